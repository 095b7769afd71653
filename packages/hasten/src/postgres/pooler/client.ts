/**
 * The driver's pool and client where a pooler may be in between.
 *
 * Invariants:
 * - A connection is given to nobody before it is known whose process answers on it, if that is to be found out.
 * - A start-up packet that is refused for our limits is sent once more without them, by the same call.
 * - Where names of prepared statements mean nothing, none is sent, whoever asks: an ORM as well.
 */
import type { Pool } from "pg";
import { PostgresError } from "../errors.ts";
import { sqlstateOf } from "../failures.ts";
import type { Pooler } from "./pooler.ts";

type Connected = (error?: unknown) => void;
type QueryDone = (error: unknown, result?: { readonly rows: readonly unknown[] }) => void;

interface DriverClient {
  connect(connected: Connected): void;
  query(config: unknown, values?: unknown, callback?: unknown): unknown;
  readonly processID: number | null;
  readonly connection?: { readonly stream?: { destroy(): void } };
}

type ClientClass = new (config: object) => DriverClient;

export interface ThroughOptions {
  readonly pooler: Pooler;
  /** Longest wait for the answer that tells whose process it is. */
  readonly askMs: number;
  readonly limits: Readonly<Record<LimitName, number>>;
}

export type LimitName = "statement_timeout" | "idle_in_transaction_session_timeout";

const PID_SQL = "select pg_catalog.pg_backend_pid() as pid";

/** The client class with the rules above. */
export function clientThrough(Base: unknown, options: ThroughOptions): unknown {
  const { pooler, askMs, limits } = options;
  return class extends (Base as ClientClass) {
    constructor(config: object & { readonly password?: unknown }) {
      super(pooler.sendsLimits ? config : without(config, limits));
    }

    override connect(connected: Connected): void {
      super.connect((error) => {
        if (error) {
          connected(refusalOf(error, pooler));
          return;
        }
        this.#learn((failed) => {
          if (failed) this.connection?.stream?.destroy();
          connected(failed);
        });
      });
    }

    override query(config: unknown, values?: unknown, callback?: unknown): unknown {
      if (pooler.keepsNames) return super.query(config, values, callback);
      return super.query(unnamed(config), values, callback);
    }

    #learn(done: Connected): void {
      const settled = (): void =>
        void (pooler.settling ?? Promise.resolve()).then(() => this.#limit(done));
      if (!pooler.asks) {
        settled();
        return;
      }
      this.#ask(PID_SQL, (error, result) => {
        if (error) {
          done(error);
          return;
        }
        const [row] = result!.rows as readonly { readonly pid: number }[];
        pooler.learned(this.processID, Number(row?.pid));
        settled();
      });
    }

    #limit(done: Connected): void {
      if (pooler.kind !== "session") {
        done();
        return;
      }
      // The session is this client's until it leaves, and is put back then.
      const set = Object.entries(limits).map(([name, ms]) => `set ${name} = ${Math.round(ms)}`);
      this.#ask(set.join("; "), done);
    }

    #ask(text: string, done: QueryDone): void {
      const told: QueryDone = (error, result) => done(timedOut(error), result);
      super.query({ text, query_timeout: askMs }, told);
    }
  };
}

/** Only the pool's own copy of the options is spread: a password that cannot be listed goes along by name. */
function without(config: object & { readonly password?: unknown }, limits: object): object {
  const kept: Record<string, unknown> = { ...config, password: config.password };
  for (const name of Object.keys(limits)) delete kept[name];
  return kept;
}

const REFUSED = /unsupported startup parameter(?: in options)?:\s*(\w+)/i;

function refusedSetting(error: unknown): string | undefined {
  if (sqlstateOf(error) !== "08P01") return undefined;
  return REFUSED.exec(String((error as Error).message))?.[1]?.toLowerCase();
}

/** An error of ours by which the pool knows that trying again is worth it. */
class LimitRefused extends Error {}

function refusalOf(error: unknown, pooler: Pooler): unknown {
  const setting = refusedSetting(error);
  if (setting === undefined) return error;
  if (LIMITS.has(setting) && pooler.refused())
    return Object.assign(new LimitRefused("the pooler refused a limit"), { cause: error });
  return new PostgresError(
    "HST_PG_POOLER",
    {
      message: `The pooler refuses the start-up parameter ${setting}.`,
      fix: "Leave it out of the URL and set it with ALTER ROLE … SET, or list it in ignore_startup_parameters.",
    },
    { sqlstate: "08P01" },
  );
}

const LIMITS: ReadonlySet<string> = new Set<LimitName>([
  "statement_timeout",
  "idle_in_transaction_session_timeout",
]);

const timedOut = (error: unknown): unknown =>
  error instanceof Error && error.message === "Query read timeout"
    ? new Error("timeout expired while the connection was being prepared")
    : error;

/** The same statement without a name, still alone in its text. Foreign statement objects are left as they are. */
function unnamed(config: unknown): unknown {
  if (typeof config !== "object" || config === null) return config;
  const query = config as { name?: unknown; text?: unknown; queryMode?: unknown; submit?: unknown };
  // Without a text the name is all there is: the server says what it thinks of it.
  if (!query.name || typeof query.text !== "string") return config;
  if (typeof query.submit !== "function")
    return { ...query, name: undefined, queryMode: "extended" };
  query.name = undefined;
  query.queryMode = "extended";
  return query;
}

type PoolConnected = (error: unknown, ...rest: unknown[]) => void;
type PoolClass = new (config: object) => { connect(done?: PoolConnected): unknown };

/** The pool class that connects once more where the first packet was refused for our limits. */
export function poolThrough(Base: unknown): new (config: object) => Pool {
  const Through = class extends (Base as PoolClass) {
    override connect(done?: PoolConnected): unknown {
      if (done === undefined)
        return (super.connect() as Promise<unknown>).catch((error: unknown) => {
          if (error instanceof LimitRefused) return super.connect();
          throw error;
        });
      return super.connect((error, ...rest) => {
        if (error instanceof LimitRefused) super.connect(done);
        else done(error, ...rest);
      });
    }
  };
  return Through as unknown as new (
    config: object,
  ) => Pool;
}
