/** A timer that can be cancelled. Never keeps the process alive. */
export interface Timer {
  cancel(): void;
}

/** Time and timers, injected so that tests need no sleep. */
export interface Clock {
  /** Wall clock in milliseconds since 1970: for what people and HTTP headers see. */
  wallMs(): number;
  /** Monotonic milliseconds from an arbitrary origin: for durations and expiry. */
  nowMs(): number;
  /** Runs `callback` once after `delayMs`. The timer is unref'd. */
  schedule(delayMs: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A clock that moves only when told to. Due timers run in order of their time. */
export interface ManualClock extends Clock {
  /** Moves time forward, runs every timer that falls due, and lets pending promises settle. */
  advance(byMs: number): Promise<void>;
}

/** Starts at a fixed wall time (2026-01-01T00:00:00Z) so that runs repeat exactly. */
export function manualClock(startWallMs = 1_767_225_600_000): ManualClock {
  let elapsedMs = 0;
  let sequence = 0;
  const pending = new Map<number, { dueMs: number; callback: () => void }>();
  const nextDue = (limitMs: number): number | undefined => {
    let best: number | undefined;
    for (const [id, timer] of pending) {
      if (timer.dueMs > limitMs) continue;
      if (best === undefined || timer.dueMs < pending.get(best)!.dueMs) best = id;
    }
    return best;
  };
  return {
    wallMs: () => startWallMs + elapsedMs,
    nowMs: () => elapsedMs,
    schedule(delayMs, callback) {
      const id = sequence++;
      pending.set(id, { dueMs: elapsedMs + delayMs, callback });
      return { cancel: () => void pending.delete(id) };
    },
    async advance(byMs) {
      const targetMs = elapsedMs + byMs;
      for (let id = nextDue(targetMs); id !== undefined; id = nextDue(targetMs)) {
        const timer = pending.get(id)!;
        pending.delete(id);
        elapsedMs = Math.max(elapsedMs, timer.dueMs);
        timer.callback();
        await settle();
      }
      elapsedMs = targetMs;
      await settle();
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
