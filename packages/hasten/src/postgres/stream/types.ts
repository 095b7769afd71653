import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import type { Trust } from "../../core/trust.ts";
import type { ChangeSource, DropTags } from "../coherence/source.ts";
import type { PgDriver } from "../driver.ts";
import type { Interest } from "../statements/interest.ts";

/** Options of `openStream`. Durations are milliseconds. */
export interface StreamOptions {
  /** A direct URL: no pooler in between. Never logged. */
  readonly url: string;
  readonly driver?: PgDriver | undefined;
  readonly publication: string;
  readonly interest: Interest;
  /** Looks for changed meanings in the catalog: gives the tags to drop. */
  readonly poll: () => Promise<readonly string[]>;
  readonly drop: DropTags;
  /** How long after its commit a foreign change may still be served. */
  readonly boundMs: number;
  readonly heartbeatMs: number;
  /** A stream without a confirmation for this long is lost, not late; a silent one is replaced. */
  readonly maxLagMs: number;
  /** This process among those that write messages. @default a random one */
  readonly node?: string | undefined;
  /** How long opening waits for transactions that run at the start. @default 5_000 */
  readonly startMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly onEvent?: ((event: StreamEvent) => void) | undefined;
  /**
   * Told of a message with the prefix of pulses that is none of its own, once everything that was
   * acknowledged before the message was sent has been dropped.
   */
  readonly onBarrier?: ((content: string) => void) | undefined;
  /** Leaves one rule out, for tests that must notice it. @default none */
  readonly mutant?: StreamMutant | undefined;
}

/**
 * `bumpOnDecode`: drops when the commit is read, visible or not. `noHeartbeat`: trusts for as long
 * as nothing reports an error.
 */
export type StreamMutant = "bumpOnDecode" | "noHeartbeat";

export interface StreamEvent {
  readonly kind: "connecting" | "starting" | "live" | "gap" | "handed-over" | "closed";
  /** Holds no value, password or URL. */
  readonly detail: string;
}

export interface StreamStatus {
  /**
   * `connecting`: no replication connection. `starting`: it waits for transactions that were running.
   * `late`: no confirmation for more than boundMs; `lost`: for more than maxLagMs.
   */
  readonly state: "connecting" | "starting" | "live" | "late" | "lost" | "closed";
  /** Why it is not live. */
  readonly because: string | undefined;
  readonly slot: string | undefined;
  /** Up to where changes were applied, as an LSN. */
  readonly position: string;
  /** Age of the latest confirmation. */
  readonly confirmedAgoMs: number | undefined;
  /** Round trip through the WAL: of the latest pulse, or the age of one that is still out. */
  readonly lagMs: number | undefined;
  /** What the start waits for: transaction ids, the oldest first, at most 8. */
  readonly waitsFor: readonly string[];
  readonly lastError: string | undefined;
  readonly counts: StreamCounts;
}

export interface StreamCounts {
  readonly transactions: number;
  readonly rows: number;
  readonly droppedTags: number;
  readonly messages: number;
  readonly pulses: number;
  /** Times that changes may have been missed. */
  readonly gaps: number;
  /** Transactions whose changes are being gathered now. */
  readonly gathering: number;
  /** Committed and not visible yet. */
  readonly parked: number;
  /** Invalidations by this application that wait to be sent. */
  readonly queued: number;
}

export interface ChangeStream extends ChangeSource {
  readonly promise: "stream";
  readonly trust: Trust;
  readonly log: InvalidationLog;
  status(): StreamStatus;
  /** A heartbeat now: true once everything acknowledged before the call has been dropped. */
  beat(): Promise<boolean>;
  /**
   * Opens a second slot, goes on from it at one position, and closes the first: nothing is missed,
   * nothing dropped, trust goes on. Rejects when the server refuses; the first goes on then.
   */
  handOver(): Promise<void>;
}
