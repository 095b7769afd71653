/** Finds the row that a statement over many rows was refused for. */

/**
 * Halves the rows until one is left that fails by itself. Undefined where neither half does (two
 * rows that only fail together) or the time is over: no row is better than a wrong one.
 * `fails(from, to)` must leave nothing behind.
 */
export async function searchRow(
  from: number,
  to: number,
  fails: (from: number, to: number) => Promise<boolean>,
  expired: () => boolean,
): Promise<number | undefined> {
  let low = from;
  let high = to;
  while (high - low > 1) {
    if (expired()) return undefined;
    const middle = Math.floor((low + high) / 2);
    if (await fails(low, middle)) high = middle;
    else if (await fails(middle, high)) low = middle;
    else return undefined;
  }
  return low;
}

/** Longest search for the row; the caller waits for it. */
export const SEARCH_MS_MAX = 5_000;
