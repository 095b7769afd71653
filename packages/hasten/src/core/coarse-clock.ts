import { type Clock, systemClock } from "./clock.ts";

/** The clock is read again after this time, or after this many uses, whichever comes first. */
export const COARSE_RESOLUTION_MS = 2;
export const COARSE_USES_MAX = 64;

/**
 * A monotonic clock that costs a few nanoseconds: the value is kept until a timer drops it, and
 * read anew every 64 uses, so that a blocked event loop does not freeze it.
 *
 * Error: never ahead; behind by at most 2 ms plus how late the event loop runs timers, and within
 * one blocked turn of the loop by at most 64 uses. The timer is armed only by a use, so an idle
 * clock has none. A clock other than the system's is passed through, exact.
 */
export function coarseNow(clock: Clock): () => number {
  if (clock !== systemClock) return () => clock.nowMs();
  let nowMs = 0;
  let usesLeft = 0;
  let armed = false;
  const drop = (): void => {
    usesLeft = 0;
    armed = false;
  };
  const read = (): number => {
    nowMs = clock.nowMs();
    usesLeft = COARSE_USES_MAX;
    if (!armed) {
      armed = true;
      clock.schedule(COARSE_RESOLUTION_MS, drop);
    }
    return nowMs;
  };
  return () => {
    if (usesLeft === 0) return read();
    usesLeft -= 1;
    return nowMs;
  };
}
