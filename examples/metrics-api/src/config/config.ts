/** The checked configuration, in the units and shapes the parts take. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly processes: number;
  readonly storageMode: StorageMode;
  /** What STORAGE said, so that a later change of it can be told from the choice made at run time. */
  readonly databaseUrl: string | undefined;
  /** The same server past a pooler; undefined: databaseUrl is direct. */
  readonly databaseDirectUrl: string | undefined;
  readonly dataDir: string;
  /** undefined: 50,000 in the embedded server, none in the user's own. */
  readonly seedRows: number | undefined;
  readonly pool: {
    readonly min: number;
    readonly max: number;
    readonly idleMs: number;
    readonly acquireTimeoutMs: number;
  };
  readonly statementTimeoutMs: number;
  readonly cache: {
    readonly enabled: boolean;
    readonly entriesMax: number;
    readonly bytesMax: number;
    readonly ttlMs: number;
    readonly ttlMaxMs: number;
    readonly tiersMs: { readonly short: number; readonly medium: number; readonly long: number };
    /** undefined: nothing is warmed. */
    readonly warming: { readonly everyMs: number; readonly metricsMax: number } | undefined;
  };
  /** The second tier; undefined: each process caches alone. */
  readonly redisUrl: string | undefined;
  readonly coherence: {
    /** How long a change may stay unseen. */
    readonly boundMs: number;
    /** undefined: half of boundMs, at most 250. */
    readonly heartbeatMs: number | undefined;
    /** Whether the API may make the publication. */
    readonly setup: boolean;
  };
  /** undefined: generated and kept under dataDir. */
  readonly jwtSecret: string | undefined;
  readonly cursorKeys: readonly CursorKey[] | undefined;
}

export type StorageMode = "local" | "postgres";

export interface CursorKey {
  readonly id: string;
  readonly secret: string;
}

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "start"; readonly config: Config };

/** Everything that is wrong with the configuration, a line for each variable. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}
