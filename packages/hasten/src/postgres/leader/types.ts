/** What leading and following need of the tier that the processes share, and of the stream. */

import type { SharedTier } from "../../cache/shared/port.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import type { Trust } from "../../core/trust.ts";

/** The part of a shared tier that is used here. */
export type SourceTier = Pick<SharedTier, "attach" | "leave"> & { readonly log: InvalidationLog };

/** Changes as the leader reads them: the stream, or one for tests. */
export interface LedSource {
  /** Another one after each gap; ended while nothing is read. */
  readonly trust: Trust;
  readonly live: boolean;
  /** Its slot waits for transactions that were running: any other process would wait as well. */
  readonly waits: boolean;
  readonly position: string;
  /** Everything acknowledged before the call has been dropped, and the catalog was looked at. */
  beat(): Promise<boolean>;
  close(): Promise<void>;
}

export interface LedHooks {
  readonly drop: (tags: readonly string[]) => void;
  /** Everything acknowledged before this barrier was sent has been dropped. */
  readonly onBarrier: (content: string) => void;
}

/** What the leader knows of the catalog. */
export interface LedCatalog {
  /** Another number after anything in it changed that statements may mean something else by. */
  readonly version: number;
  /** The same in every process that sees the same catalog. */
  readonly schema: string;
  /** A place in the WAL behind the latest change that was seen in it. */
  readonly position?: string | undefined;
  /** Looks again, and reads what changed. Rejects when the database does not answer. */
  look(): Promise<void>;
}

/** A source with the catalog that its changes are named by. */
export interface Led {
  readonly source: LedSource;
  readonly catalog: LedCatalog;
}

/**
 * Leaves one rule out, for tests that must notice it. `confirmBeforeAck`: tells before Redis has what
 * was dropped. `keepTerm`: goes on with the term of a leader that was lost. `confirmAtReceipt`: takes
 * what is heard for as young as the hearing. `ownInterest`: the leader tells only what its own
 * statements read.
 */
export type LeaderMutant = "confirmBeforeAck" | "keepTerm" | "confirmAtReceipt" | "ownInterest";
