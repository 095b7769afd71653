import type { Cache } from "../../cache/index.ts";
import type { SharedTier } from "../../cache/shared/port.ts";
import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import type { CoherencePromise } from "../../core/trust.ts";
import type { PgDriver } from "../driver.ts";
import type { Finding } from "./preflight/finding.ts";

/** Options of `openCoherence`. Durations are milliseconds. */
export interface CoherenceOptions {
  /** `postgres://…`: where the application connects; may be a pooler. Never logged. */
  readonly url: string;
  /** The same database without a pooler in between: replication needs it. @default url */
  readonly directUrl?: string | undefined;
  /** Caches that changes are applied to; more by `attach`. @default none */
  readonly caches?: readonly Cache[] | undefined;
  /**
   * The tier that the processes share (`cache.shared`): one of them reads the changes for all. The
   * caches attached that do not use it have their local copies dropped all the same.
   * @default none: each process reads them itself
   */
  readonly shared?: SharedTier | undefined;
  /**
   * `"auto"` takes the best that the server can do now, and tries better ones again later. A
   * promise by name is never replaced by a weaker one: while it cannot be kept nothing is trusted.
   * @default "auto"
   */
  readonly mode?: "auto" | CoherencePromise | undefined;
  /**
   * What hasten may create: `true` the publication, `"triggers"` the change log and its triggers.
   * @default false, nothing
   */
  readonly autoSetup?: boolean | "triggers" | undefined;
  /** The publication that is read. @default "hasten" */
  readonly publication?: string | undefined;
  /** How long after its commit a foreign change may still be served; 50 to 10,000. @default 500 */
  readonly boundMs?: number | undefined;
  /** @default half of boundMs, at most 250 */
  readonly heartbeatMs?: number | undefined;
  /** A source silent for this long is said to be lost, not late; at least boundMs. @default 2_000 */
  readonly maxLagMs?: number | undefined;
  /** How often a better mode, or a server that did not answer, is tried again. @default 10_000 */
  readonly retryMs?: number | undefined;
  /** How long opening waits for the first answer of the server; 0 does not wait. @default 5_000 */
  readonly startMs?: number | undefined;
  /**
   * Hosts (`redis.internal:6379`, `api.example.org`) whose answers do not matter to cached answers.
   * Anything else that is asked while an answer is made leaves it untracked. @default none
   */
  readonly allow?: readonly string[] | undefined;
  /** Told of every change of mode and state, once each. Must not throw. */
  readonly onEvent?: ((event: CoherenceEvent) => void) | undefined;
  /** The `pg` module, where a bundler hides it from `require`. */
  readonly driver?: PgDriver | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

/**
 * `connecting`: no mode was chosen yet. `live`: the promise is kept. `late`: no confirmation for
 * more than boundMs, nothing is served as fresh. `lost`: for more than maxLagMs. `unavailable`: the
 * mode asked for cannot be had on this server as it is.
 */
export type CoherenceState = "connecting" | "live" | "late" | "lost" | "unavailable" | "closed";

export interface CoherenceStatus {
  readonly state: CoherenceState;
  /** What is promised now: `ttl` while nothing is. */
  readonly promise: CoherencePromise;
  readonly boundMs: number;
  /** Why it is not live, or not a better promise. */
  readonly because: string | undefined;
  /** Age of the latest confirmation; undefined where the source confirms nothing. */
  readonly confirmedAgoMs: number | undefined;
  /** Position up to which changes were applied: an LSN, or `0/0`. */
  readonly position: string;
  /** What the latest look at the server found, most severe first. */
  readonly findings: readonly Finding[];
  /** Wall clock of the latest change of promise or state. */
  readonly sinceMs: number;
}

/** Something that an operator should know. `detail` holds no value, password or URL. */
export interface CoherenceEvent {
  readonly kind: "mode" | "state" | "setup" | "watch" | "stream";
  readonly detail: string;
}

/**
 * Keeps caches true to one database: watched connections tell what was read, the database tells
 * what changed. Made by {@link openCoherence}.
 */
export interface Coherence extends AsyncDisposable {
  /**
   * Watches a `pg.Pool`, a `pg.Client`, or the `pg` module, and returns it (the module: one like it
   * whose clients are watched, for Sequelize's `dialectModule` and Knex).
   */
  watch<T extends object>(target: T): T;
  /** Changes are applied to this cache from now on. Returns how to stop. */
  attach(cache: Cache): () => void;
  /** For `createCache({ log })`: invalidations by the application reach the other processes. */
  readonly log: InvalidationLog;
  /** What is promised now. */
  readonly promise: CoherencePromise;
  status(): CoherenceStatus;
  /** Looks at the server again at once, and takes a better mode if there is one. Never rejects. */
  recheck(): Promise<CoherenceStatus>;
  /** A rolling restart: opens a successor's slot before this one closes. Nothing is dropped. */
  handOver(): Promise<void>;
  /** Leaves nothing behind: no slot, connection or timer. What is cached is no longer fresh. */
  close(): Promise<void>;
}
