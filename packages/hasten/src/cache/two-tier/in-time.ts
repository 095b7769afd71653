/**
 * A shared tier that is slow must not use up its callers' time.
 *
 * Invariants:
 * - Where the flight's hard time-out is short, an answer of the tier is waited for at most a third of
 *   it, then it counts as unavailable. Otherwise the tier's own time-out is the bound, at no cost.
 * - A lease that comes too late is given back.
 */
import type { Flight } from "../flight.ts";
import type { LoadParts } from "../load-parts.ts";
import type { LeaseAnswer } from "../shared/port.ts";

/** Hard time-outs above this leave enough beside a command's own. */
const SHORT_MS = 1_000;
const SHARE = 3;
const UNAVAILABLE = {
  kind: "unavailable",
  because: "it did not answer within a third of the hard time-out",
} as const;

/** The answer, or that it is late. */
export function inTime<T>(
  { options }: LoadParts,
  { wanted }: Flight,
  answer: Promise<T>,
): Promise<T | typeof UNAVAILABLE> {
  const { hardTimeoutMs } = wanted;
  if (hardTimeoutMs === undefined || hardTimeoutMs > SHORT_MS) return answer;
  const late = Promise.withResolvers<typeof UNAVAILABLE>();
  const timer = options.clock.schedule(hardTimeoutMs / SHARE, () => late.resolve(UNAVAILABLE));
  return Promise.race([answer, late.promise]).finally(() => timer.cancel());
}

export async function leaseInTime(
  parts: LoadParts,
  flight: Flight,
  asked: Promise<LeaseAnswer>,
): Promise<LeaseAnswer> {
  const answer = await inTime(parts, flight, asked);
  if (answer === UNAVAILABLE) void asked.then(giveBack);
  return answer;
}

function giveBack(answer: LeaseAnswer): void {
  if (answer.kind === "mine") answer.lease.release();
  else if (answer.kind === "theirs") answer.leave();
}
