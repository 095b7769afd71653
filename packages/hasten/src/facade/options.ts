import type { CacheOptions } from "../cache/index.ts";
import type { ResponseCacheOptions } from "../http/index.ts";
import type { CoherenceOptions, DatabaseOptions, SessionsOptions } from "../postgres/index.ts";
import type { FindingsOptions } from "../traces/index.ts";
import type { PoolsOptions } from "./pools.ts";

/** Options of `hasten()`. Every part has the defaults that it has alone. */
export interface HastenOptions {
  /** `postgres://…`, or the options of `createDatabase` with it. */
  readonly postgres:
    | string
    | (Omit<DatabaseOptions, "cache"> & { readonly url: string })
    | undefined;
  /**
   * The Redis (or Valkey) that the processes share: a URL, an address, a client of `redis` or
   * `ioredis`, or settings around one. Undefined or empty: none. @default none
   */
  readonly redis?: CacheOptions["redis"];
  /** The same database without a pooler in between. @default the URL of `postgres` */
  readonly directUrl?: string | undefined;
  /** Options of `openCoherence`. */
  readonly coherence?:
    | Omit<CoherenceOptions, "url" | "directUrl" | "caches" | "shared">
    | undefined;
  /** Options of `createCache`. @default 10,000 entries, 64 MiB, tracked; with Redis named after the database */
  readonly cache?: CacheOptions | undefined;
  /** Options of `createResponseCache`. */
  readonly responses?: Omit<ResponseCacheOptions, "cache"> | undefined;
  /**
   * Judges the statements of each request: N+1, duplicates, … Development prints, tests collect,
   * production samples; false does nothing. Options of `watchFindings`.
   */
  readonly findings?: false | FindingsOptions | undefined;
  /**
   * Watches the server's sessions (idle in a transaction, long, blocked) by a connection beside the
   * pool. Options of `watchSessions`; `policy` ends some. @default false
   */
  readonly sessions?: boolean | Omit<SessionsOptions, "url" | "directUrl"> | undefined;
  /**
   * How pools are watched: that of the database, each given to `h.watch` and `h.watchPool`. `say: true`
   * tells leaks and waits in lines, and what each pool does every minute. @default {}
   */
  readonly poolWatch?: false | PoolsOptions | undefined;
  /** How long requests under way may take to finish at the end; 0 to 600,000. @default 10_000 */
  readonly drainMs?: number | undefined;
  /** Told in one line what is promised, at start and when it changes. @default a line on standard error */
  readonly say?: ((line: string) => void) | undefined;
}
