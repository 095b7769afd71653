/**
 * Changes learnt from this process's own statements only.
 *
 * Invariants:
 * - A write drops what its text and the foreign keys name before its caller sees it.
 * - A write whose text does not tell all (triggers, rules, functions, CALL) drops everything read
 *   before it: `suspend` raises the floor below which no capture holds.
 * - Nothing is promised about writes of others: what they change lives by its time to live.
 */
import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { sequence } from "../../core/sequence.ts";
import { type Instant, instant, Trust } from "../../core/trust.ts";
import type { ChangeSource, CommittedWrite, DropTags } from "./source.ts";

/** Holds without confirmations, for what was captured after the latest write that told too little. */
export class OwnWritesTrust extends Trust {
  #floorMs: number = Number.NEGATIVE_INFINITY;

  override suspend(at: Instant): void {
    super.suspend(at);
    this.#floorMs = Math.max(this.#floorMs, at.monotonicMs);
  }

  override ageMs(): number {
    return 0;
  }

  override get confirmed(): boolean {
    return !this.ended;
  }

  override holds(monotonicMs: number): boolean {
    return !this.ended && monotonicMs > this.#floorMs;
  }
}

export interface OwnWritesOptions {
  readonly boundMs: number;
  readonly clock: Clock;
  readonly drop: DropTags;
  /** Looks for changed meanings after DDL: gives the tags to drop. */
  readonly poll: () => Promise<readonly string[]>;
}

export interface OwnWrites extends ChangeSource {
  readonly trust: Trust;
  readonly log: InvalidationLog;
}

export function createOwnWrites(options: OwnWritesOptions): OwnWrites {
  const { boundMs, clock, drop, poll } = options;
  const trust = new OwnWritesTrust("own-writes", boundMs, clock);
  // Values that depend on no row are not touched by a write of which too little is known.
  const logTrust = new OwnWritesTrust("own-writes", boundMs, clock);
  let unmappedSeq = 0;
  return {
    promise: "own-writes",
    trust,
    get unmappedSeq() {
      return unmappedSeq;
    },
    position: "0/0",
    log: alone(logTrust),
    async settle(write: CommittedWrite) {
      // A statement that is being understood now may turn out to depend on it.
      unmappedSeq = sequence.next();
      if (!write.complete || write.changesSchema) trust.suspend(instant(clock));
      drop(write.tags, "an own write");
      if (write.changesSchema) drop(await poll().catch(() => []), "an own change of the schema");
      return "applied";
    },
    async close() {
      trust.end();
      logTrust.end();
    },
  };
}

/** A log that reaches nobody: for modes that promise nothing about other processes. */
export function alone(trust: Trust): InvalidationLog {
  return {
    trust,
    publish: async () => ({ kind: "applied" }),
    subscribe: () => () => undefined,
  };
}
