import { HastenError } from "../core/errors.ts";
import { countTraces } from "./count-traces.ts";
import { countOf, failed, findingsOf } from "./query-report.ts";

/** What is expected of the number of statements. Each runs the function, and resolves to its value. */
export interface QueryExpectation<T> {
  /** Exactly so many. @throws AssertionError that lists the statements */
  toBe(count: number): Promise<T>;
  toBeAtMost(count: number): Promise<T>;
  /** Both included. */
  toBeBetween(least: number, most: number): Promise<T>;
}

/**
 * Counts the statements that a function causes: by itself, and by every request and job that begins in
 * this process while it runs, also through HTTP. Statements that only begin and end transactions, those
 * of the driver and of hasten, and what a cache answered are not counted. Nothing runs before a matcher
 * is called. A server must open traces (`requests()`), and its database must be watched.
 *
 * ```ts
 * await expectQueries(() => fetch(`${url}/orders?limit=100`)).toBe(2);
 * ```
 * @throws HST_TEST_OVERLAP when another count is under way in this process
 */
export function expectQueries<T>(work: () => T | PromiseLike<T>): QueryExpectation<Awaited<T>> {
  const within = async (least: number, most: number): Promise<Awaited<T>> => {
    checked(least, most);
    const { value, logs } = await countTraces(work);
    const count = countOf(logs);
    if (count >= least && count <= most) return value as Awaited<T>;
    const expected = least === most ? least : `${least} to ${most}`;
    const sentence = `${count} ${count === 1 ? "query" : "queries"} instead of ${least === 0 && most > 0 ? `at most ${most}` : expected}:`;
    const findings = findingsOf(logs, undefined, {});
    throw failed(sentence, { logs, findings, actual: count, expected });
  };
  return {
    toBe: (count) => within(count, count),
    toBeAtMost: (count) => within(0, count),
    toBeBetween: (least, most) => within(least, most),
  };
}

function checked(least: number, most: number): void {
  if (Number.isInteger(least) && Number.isInteger(most) && least >= 0 && most >= least) return;
  throw new HastenError(
    "HST_TEST_COUNT",
    "The expected number of queries must be a whole number, at least 0, and the least not above the most.",
    "Pass whole numbers in their order.",
  );
}
