/**
 * The gate that every write passes.
 *
 * Invariants:
 * - while the gate is closed no write begins; those that began before are counted until they end;
 * - at most WAITING_MAX writes wait, each for at most the wait limit; then they are refused, having done nothing.
 */
import type { Clock } from "./clock.ts";

/** Nothing was written: the storage is being switched. Safe to send again. */
export class StorageBusy extends Error {
  readonly retryAfterMs: number;

  constructor(reason: string, retryAfterMs: number) {
    super(`The storage is being switched: ${reason}.`);
    this.name = "StorageBusy";
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Gate {
  /** Runs `work` when the gate is open. @throws StorageBusy */
  pass<T>(work: () => Promise<T>): Promise<T>;
  /** Lets nothing in any more; resolves true when the last write inside has ended, false after `limitMs`. */
  close(limitMs: number): Promise<boolean>;
  open(): void;
  readonly inside: number;
}

export const WAITING_MAX = 1_000;
export const WAIT_LIMIT_MS = 10_000;
const RETRY_AFTER_MS = 2_000;

export function createGate(clock: Clock): Gate {
  let inside = 0;
  let closed = false;
  const waiting = new Set<() => void>();
  let onEmpty: (() => void) | undefined;

  const enter = async (): Promise<void> => {
    while (closed) {
      if (waiting.size >= WAITING_MAX)
        throw new StorageBusy("too many writes wait", RETRY_AFTER_MS);
      await waitForOpening(waiting, clock);
    }
    inside++;
  };
  const leave = (): void => {
    inside--;
    if (inside === 0) onEmpty?.();
  };

  return {
    async pass(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    async close(limitMs) {
      closed = true;
      if (inside === 0) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = clock.schedule(limitMs, () => resolve(false));
      onEmpty = () => resolve(true);
      const empty = await promise;
      timer.cancel();
      onEmpty = undefined;
      return empty;
    },
    open() {
      closed = false;
      const released = [...waiting];
      waiting.clear();
      for (const go of released) go();
    },
    get inside() {
      return inside;
    },
  };
}

function waitForOpening(waiting: Set<() => void>, clock: Clock): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const go = (): void => {
    timer.cancel();
    resolve();
  };
  const timer = clock.schedule(WAIT_LIMIT_MS, () => {
    waiting.delete(go);
    reject(new StorageBusy("it takes longer than a write may wait", RETRY_AFTER_MS));
  });
  waiting.add(go);
  return promise;
}
