/**
 * Changes learnt from this process's own statements only.
 *
 * Invariants:
 * - A write drops what its text and the foreign keys name before its caller sees it.
 * - A write whose text does not tell all (triggers, rules, functions, CALL) drops everything read
 *   before it: `suspend` raises the floor below which no capture holds.
 * - Nothing is promised about writes of others: what they change lives by its time to live.
 */
import type { Clock, Timer } from "../../core/clock.ts";
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
  /** Looks for changed meanings: gives the tags to drop. */
  readonly poll: () => Promise<readonly string[]>;
}

/** How soon a foreign change of the schema is noticed. */
const POLL_MS = 1_000;
const SETTLE_MS = 250;

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
  let timer: Timer | undefined;
  const look = (because: string): Promise<void> =>
    poll().then(
      (tags) => drop(tags, because),
      // The server does not answer: nothing is promised about what others change.
      () => undefined,
    );
  const plan = (): void => {
    timer = clock.schedule(POLL_MS, () => {
      void look("a changed table, view or function").then(() => {
        if (!trust.ended) plan();
      });
    });
  };
  plan();
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
      // Dropped before anything is awaited: what is read from here on sees the write.
      if (!write.complete || write.changesSchema) trust.suspend(instant(clock));
      drop(write.tags, "an own write");
      if (!write.changesSchema) return "applied";
      return within(SETTLE_MS, look("an own change of the schema"), clock);
    },
    async close() {
      timer?.cancel();
      trust.end();
      logTrust.end();
    },
  };
}

/** Whether `work` ended in time; it goes on either way. */
async function within(
  limitMs: number,
  work: Promise<void>,
  clock: Clock,
): Promise<"applied" | "queued"> {
  const late = Promise.withResolvers<"queued">();
  const timer = clock.schedule(limitMs, () => late.resolve("queued"));
  const outcome = await Promise.race([work.then(() => "applied" as const), late.promise]);
  timer.cancel();
  return outcome;
}

/** A log that reaches nobody: for modes that promise nothing about other processes. */
export function alone(trust: Trust): InvalidationLog {
  return {
    trust,
    publish: async () => ({ kind: "applied" }),
    subscribe: () => () => undefined,
  };
}
