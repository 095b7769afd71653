/**
 * The order of invalidations in this process.
 *
 * Invariants: every invalidation of every cache takes the next number; a fill remembers the number
 * current before its source was read, so that "was anything it depends on invalidated since" is one
 * comparison whichever cache the fill ends up in. Never goes back, never uses a clock.
 */
let current = 1;

export const sequence: {
  /** The number of the latest invalidation. Taken before a read it is that read's capture. */
  now(): number;
  /** Starts an invalidation and gives its number. */
  next(): number;
} = {
  now: () => current,
  next: () => {
    current += 1;
    return current;
  },
};
