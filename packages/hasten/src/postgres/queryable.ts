import type { QueryCacheOptions } from "./cached-query.ts";
import { PostgresError } from "./errors.ts";
import type { ReadFrom } from "./replicas/reads.ts";
import type { Statement } from "./sql.ts";

/** What PostgreSQL answered. */
export interface Result<R> {
  readonly rows: readonly R[];
  /** Rows returned or changed; 0 for commands without a count. */
  readonly rowCount: number;
  /** The command tag's word: SELECT, INSERT, UPDATE, DELETE, MERGE… */
  readonly command: string;
}

export interface QueryOptions {
  /** Longest time for the whole call; then the server is asked to cancel and the connection is destroyed. @default statementTimeoutMs + 1_000. Bounds 1 to 86_400_000; the server's statementTimeoutMs still holds. */
  readonly timeoutMs?: number;
  /** Like the time-out, at the caller's wish. */
  readonly signal?: AbortSignal;
  /** Where a read may go, in a database with replicas; see docs/replicas.md. Ignored inside a transaction. @default replicaReads.default */
  readonly read?: ReadFrom;
  /** Prepares the statement under this name on each connection: parsed and planned once. Use a constant for each text. At most 63 bytes. */
  readonly name?: string;
}

export interface CachedQueryOptions extends QueryOptions {
  /** The statement may run twice: it is sent again when its connection died. @default true with `cache`, else false */
  readonly idempotent?: boolean;
  /** Answers from the database's cache. For reads only. Ignored inside a transaction. */
  readonly cache?: QueryCacheOptions;
}

/** What runs statements: a database, or a transaction of one. */
export interface Queryable {
  /** Runs one statement and returns its rows. `R` is the caller's word: nothing checks it. */
  query<R>(statement: Statement, options?: CachedQueryOptions): Promise<readonly R[]>;
  /** The only row, or undefined. @throws HST_PG_ROWS when there are more. */
  queryOne<R>(statement: Statement, options?: CachedQueryOptions): Promise<R | undefined>;
  /** Runs one statement and returns rows, count and command. Never cached. */
  execute<R>(
    statement: Statement,
    options?: QueryOptions & { readonly idempotent?: boolean },
  ): Promise<Result<R>>;
}

/** The only row of an answer; see {@link Queryable.queryOne}. */
export function onlyRow<R>(result: { readonly rows: readonly R[] }): R | undefined {
  if (result.rows.length <= 1) return result.rows[0];
  throw new PostgresError("HST_PG_ROWS", {
    message: `At most one row was expected, got ${result.rows.length}.`,
    fix: "Narrow the condition, or use query().",
  });
}
