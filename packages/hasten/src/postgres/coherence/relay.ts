/**
 * One log over modes that come and go.
 *
 * Invariants:
 * - Subscribers stay subscribed to whatever log is in force.
 * - What is published while no mode is in force waits, at most PENDING_MAX of them, and is sent
 *   first when one is; what does not fit is replaced by one "everything" for its cache.
 */
import type { InvalidationLog, LoggedInvalidation } from "../../core/invalidation-log.ts";
import type { Part } from "./parts.ts";

const PENDING_MAX = 1_000;

export interface Relay {
  readonly log: InvalidationLog;
  /** `part` is in force from now on; `ready` false while it stands in for one to come. */
  use(part: Part, ready: boolean): void;
}

export function createRelay(first: Part): Relay {
  let part = first;
  let ready = false;
  let pending: LoggedInvalidation[] = [];
  const subscribers = new Map<(invalidation: LoggedInvalidation) => void, () => void>();

  const hold = (invalidation: LoggedInvalidation): void => {
    if (pending.length < PENDING_MAX) {
      pending.push(invalidation);
      return;
    }
    const { cache } = invalidation;
    pending = pending.filter((it) => it.cache !== cache);
    pending.push({ cache, how: "cleared", keys: [], tags: [], prefixes: [] });
  };
  return {
    log: {
      get trust() {
        return part.log.trust;
      },
      publish(invalidation) {
        if (ready) return part.log.publish(invalidation);
        hold(invalidation);
        return Promise.resolve({ kind: "queued", depth: pending.length });
      },
      subscribe(apply) {
        subscribers.set(apply, part.log.subscribe(apply));
        return () => {
          subscribers.get(apply)?.();
          subscribers.delete(apply);
        };
      },
    },
    use(next, nowReady) {
      part = next;
      ready = nowReady;
      for (const [apply, stop] of subscribers) {
        stop();
        subscribers.set(apply, next.log.subscribe(apply));
      }
      if (!ready) return;
      const sending = pending;
      pending = [];
      for (const invalidation of sending) void next.log.publish(invalidation);
    },
  };
}
