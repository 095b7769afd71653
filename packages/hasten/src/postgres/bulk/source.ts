/** Rows one by one from any iterable, without waiting where nothing is to be waited for. */
import { bulkRefused } from "./catalog.ts";
import type { BulkRow, BulkRows } from "./types.ts";

export interface Source {
  /**
   * The next row, undefined at the end; a promise only where the input has none ready. What the
   * input gives as undefined (a hole of an array) is a row like any other that is none: null.
   */
  next(): BulkRow | undefined | Promise<BulkRow | undefined>;
  /** Tells the input that no more is wanted. */
  close(): Promise<void>;
}

export function sourceOf(rows: BulkRows): Source {
  const iterate = (rows as Partial<Iterable<BulkRow>> | null | undefined)?.[Symbol.iterator];
  if (iterate !== undefined) return syncSource(iterate.call(rows));
  const later = (rows as Partial<AsyncIterable<BulkRow>> | null | undefined)?.[
    Symbol.asyncIterator
  ];
  if (later === undefined)
    throw bulkRefused(
      "The rows are not iterable.",
      "Pass an array, a generator or an async iterable.",
    );
  return asyncSource(later.call(rows));
}

function syncSource(iterator: Iterator<BulkRow>): Source {
  let ended = false;
  return {
    next() {
      const step = iterator.next();
      if (step.done !== true) {
        const { value } = step;
        return value instanceof Promise ? value.then(given) : given(value);
      }
      ended = true;
      return undefined;
    },
    async close() {
      if (!ended) iterator.return?.();
      ended = true;
    },
  };
}

function asyncSource(iterator: AsyncIterator<BulkRow>): Source {
  let ended = false;
  return {
    async next() {
      const step = await iterator.next();
      if (step.done !== true) return given(step.value);
      ended = true;
      return undefined;
    },
    async close() {
      if (ended) return;
      ended = true;
      await iterator.return?.();
    },
  };
}

/** Only the end of the input is undefined. */
const given = (row: BulkRow | undefined): BulkRow => row ?? (null as unknown as BulkRow);
