/** What happened first in this process: an exact order, where two readings of a clock may be equal. */
let latest = 0;

/** A moment later than every one taken before it. */
export type Moment = number;

export function thisMoment(): Moment {
  latest += 1;
  return latest;
}
