import { DoctorError } from "./errors.ts";
import type { Environment, OnProgress } from "./target/types.ts";

/** What can be left out. */
export type Part = "indexes" | "health" | "plans";
export const PARTS: readonly Part[] = ["indexes", "health", "plans"];

/** A plan that is there already, or a statement to plan. */
export type ExplainRequest =
  /** What `EXPLAIN (FORMAT JSON)` prints, or auto_explain logs; as text or parsed. */
  | { readonly kind: "plan"; readonly plan: unknown }
  /** One statement. `analyze` runs it, if the guard finds that it can change nothing. */
  | { readonly kind: "query"; readonly text: string; readonly analyze?: boolean };

export interface DiagnoseOptions {
  /** postgres://… @default DATABASE_URL, then PGHOST, PGUSER, PGDATABASE … of `env` */
  readonly url?: string | undefined;
  /** @default process.env */
  readonly env?: Environment | undefined;
  /** @default all; with `explain`: plans */
  readonly only?: readonly Part[] | undefined;
  /** Counts what happens from now on, so long. 1,000 to 3,600,000. @default none: totals since the reset */
  readonly sampleMs?: number | undefined;
  /** Path of a snapshot that an earlier run saved: counts what happened since. Not with `sampleMs`. */
  readonly since?: string | undefined;
  /** Path to which the counters are written for a later run's `since`. */
  readonly save?: string | undefined;
  /** Statements, each ended by `;`, in place of pg_stat_statements. At most 10,000,000 characters. */
  readonly queries?: string | undefined;
  /** Looks at one plan only. */
  readonly explain?: ExplainRequest | undefined;
  /** A statement whose mean is above this is slow. 0 to 86,400,000. @default 1,000 */
  readonly slowMs?: number | undefined;
  /**
   * After so long the server ends a statement of the doctor. The model ends when it takes six times
   * as long for one, at least 5,000. 100 to 300,000. @default 5,000
   */
  readonly statementTimeoutMs?: number | undefined;
  /** Where the booted model is kept between runs. @default the system's cache directory */
  readonly cacheDir?: string | undefined;
  /** Ends the run: the session is closed, temporary files go, and `diagnose` rejects. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Hears why a part could not be looked at; the report only says that. */
  readonly onFault?: ((part: string, error: unknown) => void) | undefined;
}

/** Options with their defaults, checked. */
export interface Resolved extends DiagnoseOptions {
  readonly env: Environment;
  readonly only: readonly Part[];
  readonly slowMs: number;
  readonly statementTimeoutMs: number;
}

export const SLOW_MS = 1_000;
export const STATEMENT_TIMEOUT_MS = 5_000;

const BOUNDS = {
  sampleMs: [1_000, 3_600_000],
  slowMs: [0, 86_400_000],
  statementTimeoutMs: [100, 300_000],
} as const;

/** @throws DoctorError HST_DOCTOR_OPTION */
export function resolveOptions(options: DiagnoseOptions): Resolved {
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = options[name as keyof typeof BOUNDS];
    if (value === undefined || (value >= least && value <= most)) continue;
    throw wrong(
      `${name} must be a number of milliseconds from ${least} to ${most}.`,
      `Pass for example ${name}: ${most / 100}.`,
    );
  }
  const unknown = options.only?.find((part) => !PARTS.includes(part));
  if (unknown !== undefined || options.only?.length === 0)
    throw wrong("only names the parts to look at.", `There are ${PARTS.join(", ")}.`);
  if (options.sampleMs !== undefined && options.since !== undefined)
    throw wrong("sampleMs and since exclude each other.", "Pass one of them.");
  if (options.queries !== undefined && (options.sampleMs ?? options.since) !== undefined)
    throw wrong("queries takes the place of counters.", "Leave out sampleMs and since.");
  return {
    ...options,
    env: options.env ?? process.env,
    only: options.only ?? (options.explain === undefined ? PARTS : ["plans"]),
    slowMs: options.slowMs ?? SLOW_MS,
    statementTimeoutMs: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
  };
}

const NAMING = ["DATABASE_URL", "PGHOST", "PGDATABASE", "PGUSER"] as const;

/** Whether anything says which database is meant. */
export const namesDatabase = (url: string | undefined, env: Environment): boolean =>
  url !== undefined || NAMING.some((name) => (env[name] ?? "") !== "");

const wrong = (message: string, fix: string): DoctorError =>
  new DoctorError("HST_DOCTOR_OPTION", { message, fix });
