/**
 * Own writes, told to the other processes that share a tier: for databases whose changes cannot be
 * streamed.
 *
 * Invariants:
 * - What a write's text names is told before its caller sees it: `applied` once Redis has it,
 *   `queued` after what the tier waits for it. One whose text does not tell all is told as such, and
 *   makes every process distrust what it has.
 * - Nothing is promised about writes of others, and nothing tracked is kept in Redis: what a process
 *   that starts later finds there would know nothing of the writes before.
 */

import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { sequence } from "../../core/sequence.ts";
import { instant } from "../../core/trust.ts";
import type { OwnWrites } from "../coherence/own-writes.ts";
import type { ChangeSource, DropTags } from "../coherence/source.ts";
import { tunnelled } from "./tunnel.ts";

export interface SharedWritesOptions {
  readonly log: InvalidationLog;
  readonly clock: Clock;
  readonly drop: DropTags;
}

/** Of a write that tells too little. */
const UNTOLD = "sql-untold";

export function sharedWrites(own: OwnWrites, options: SharedWritesOptions): OwnWrites {
  const { log, clock, drop } = options;
  const { trust } = own;
  let heardSeq = 0;
  const stop = log.subscribe(({ tags }) => {
    // A statement that is being understood now may turn out to depend on it.
    heardSeq = sequence.next();
    if (tags.includes(UNTOLD)) trust.suspend(instant(clock));
    drop(tags, "a write of another process");
  });
  const settle: ChangeSource["settle"] = async (write) => {
    const here = own.settle(write);
    const untold = !write.complete || write.changesSchema;
    const tags = untold ? [...write.tags, UNTOLD] : write.tags;
    if (tags.length === 0) return here;
    const told = log.publish({ cache: "", how: "deleted", keys: [], tags, prefixes: [] });
    return (await told).kind === "queued" ? "queued" : here;
  };
  return {
    promise: own.promise,
    trust,
    get unmappedSeq() {
      return Math.max(own.unmappedSeq, heardSeq);
    },
    position: own.position,
    log: tunnelled(log),
    settle,
    async close() {
      stop();
      await own.close();
    },
  };
}
