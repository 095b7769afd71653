/**
 * Calls for one key each become one call for all of them.
 *
 * Invariants:
 * - A batch serves one request or job, never two: what it reads may be the rows of one user.
 * - What a batch read belongs to every trace that it serves: a cached load keeps its tags though another
 *   one's call came first. Each of them was opened before the batch reads, so no capture is too young.
 * - An answer is kept for the trace that asked for it, not for others of the request: one that is opened
 *   later must not be filled from a read that is older than it.
 * - A batch that reads on after it answered voids what its traces stored.
 */
import DataLoader from "dataloader";
import { type Clock, systemClock } from "../core/clock.ts";
import { currentTrace, inTrace, type QueryLog, Trace } from "../core/trace/index.ts";
import { optionInvalid } from "./errors.ts";
import { answersOf, groupsOf } from "./load-answers.ts";

/** What a row is asked for by. A number and its text are one key. */
export type LoadKey = string | number | bigint;

/** Loads by one key. */
export interface Load<K extends LoadKey, V> {
  (key: K): Promise<V>;
  /** Several at once, in their order. */
  many(keys: readonly K[]): Promise<readonly V[]>;
  /** Forgets what this trace keeps of the key, after a write. */
  clear(key: K): void;
}

export interface LoadManyOptions {
  /** Keys handed over at once. 1 to 10,000. @default 1_000 */
  readonly batchMax?: number;
  /** Whether the answers are kept for the trace that asked. @default true */
  readonly keep?: boolean;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** A value for each key: by key, or in the order of the keys. An Error in a list fails its key only. */
export type Loaded<K, V> = ReadonlyMap<K, V> | readonly (V | Error | undefined)[];

const BATCH_MAX = 1_000;
const BATCH_MAX_MAX = 10_000;
/** Answers kept for one trace by one loader; further ones are asked for each time. */
const KEPT_MAX = 10_000;
const SETTLE_MAX_MS = 1_000;
const NOT_ENDED = "a batch of loadMany that did not end";
const WENT_ON = "a batch of loadMany that read on";

interface Ask<K> {
  readonly key: K;
  readonly trace: Trace | undefined;
}

/**
 * Makes a loader that batches the calls of one request or job: those of one turn of the event loop
 * become one call of `batch`, by the package `dataloader`. Answers are kept for the trace that asked.
 * Outside of any trace calls of one turn share a batch, and nothing is kept.
 *
 * ```ts
 * const userById = loadMany((ids: readonly number[]) => db.byIds<User, number>("users", "id", ids));
 * const user = await userById(7); // undefined where there is none
 * ```
 * With `groupBy` it loads lists: `batch` brings all rows, and each key gets those that are its own.
 * @throws HST_TRACE_OPTION for a `batchMax` out of bounds; calls reject with HST_TRACE_BATCH for a list
 * that is not as long as the keys, and with what `batch` rejects with
 */
export function loadMany<K extends LoadKey, V>(
  batch: (keys: readonly K[]) => Promise<Loaded<K, V>>,
  options?: LoadManyOptions,
): Load<K, V | undefined>;
export function loadMany<K extends LoadKey, R>(
  batch: (keys: readonly K[]) => Promise<Iterable<R>>,
  options: LoadManyOptions & { readonly groupBy: (row: R) => K },
): Load<K, readonly R[]>;
export function loadMany<K extends LoadKey, R>(
  batch: (keys: readonly K[]) => Promise<Iterable<R> | Loaded<K, R>>,
  options: LoadManyOptions & { readonly groupBy?: (row: R) => K } = {},
): Load<K, unknown> {
  const { batchMax = BATCH_MAX, groupBy } = options;
  if (!Number.isInteger(batchMax) || batchMax < 1 || batchMax > BATCH_MAX_MAX)
    throw optionInvalid("batchMax", `a whole number from 1 to ${BATCH_MAX_MAX}`);
  const answers = async (keys: readonly K[]): Promise<readonly unknown[]> => {
    const found = await batch(keys);
    if (groupBy !== undefined) return groupsOf(keys, found as Iterable<R>, groupBy);
    return answersOf(keys, found as Loaded<K, R>);
  };
  return loaderOf(answers, { batchMax, keep: options.keep ?? true, clock: options.clock });
}

type Answers<K> = (keys: readonly K[]) => Promise<readonly unknown[]>;

function loaderOf<K extends LoadKey>(
  answers: Answers<K>,
  {
    batchMax,
    keep,
    clock = systemClock,
  }: { batchMax: number; keep: boolean; clock: Clock | undefined },
): Load<K, unknown> {
  const make = (): DataLoader<Ask<K>, unknown> =>
    new DataLoader((asks) => serve(answers, asks, clock), { cache: false, maxBatchSize: batchMax });
  const outside = make();
  const perRequest = new WeakMap<QueryLog, DataLoader<Ask<K>, unknown>>();
  const kept = new WeakMap<Trace, Map<string, Promise<unknown>>>();
  const batcherOf = (trace: Trace): DataLoader<Ask<K>, unknown> => {
    // The log is what all traces of one request have in common.
    let batcher = perRequest.get(trace.queries);
    if (batcher === undefined) {
      batcher = make();
      perRequest.set(trace.queries, batcher);
    }
    return batcher;
  };
  const ask = (trace: Trace, key: K): Promise<unknown> => {
    // Until the answer is there, a cached value that is made of it must wait.
    trace.began();
    return batcherOf(trace)
      .load({ key, trace })
      .finally(() => trace.ended());
  };
  const load = (key: K): Promise<unknown> => {
    const trace = currentTrace();
    if (trace === undefined) return outside.load({ key, trace });
    if (!keep) return ask(trace, key);
    const own = kept.get(trace) ?? new Map<string, Promise<unknown>>();
    kept.set(trace, own);
    const known = own.get(String(key));
    if (known !== undefined) return known;
    const asked = ask(trace, key);
    if (own.size < KEPT_MAX) own.set(String(key), asked);
    asked.catch(() => own.delete(String(key)));
    return asked;
  };
  return Object.assign(load, {
    many: (keys: readonly K[]) => Promise.all(keys.map(load)),
    clear(key: K): void {
      const trace = currentTrace();
      if (trace !== undefined) kept.get(trace)?.delete(String(key));
    },
  });
}

/** One batch, in a trace of its own, whose reads are then those of all whom it serves. */
async function serve<K extends LoadKey>(
  answers: Answers<K>,
  asks: readonly Ask<K>[],
  clock: Clock,
): Promise<unknown[]> {
  const keys = [...new Map(asks.map(({ key }) => [String(key), key])).values()];
  const served = [...new Set(asks.map(({ trace }) => trace))].filter(
    (trace) => trace !== undefined,
  );
  const found = await (served.length === 0
    ? answers(keys)
    : inTheirTrace(() => answers(keys), served, clock));
  const byKey = new Map(keys.map((key, at) => [String(key), found[at]]));
  return asks.map(({ key }) => byKey.get(String(key)));
}

async function inTheirTrace<T>(
  work: () => Promise<T>,
  served: readonly Trace[],
  clock: Clock,
): Promise<T> {
  const trace = new Trace(clock, served[0]);
  trace.timing = served[0]?.timing;
  try {
    return await inTrace(trace, work);
  } finally {
    if (trace.pending > 0) await settled(trace, clock);
    const dependency = trace.dependency();
    for (const one of served) one.include(dependency);
    trace.close(() => {
      for (const one of served) one.untracked(WENT_ON);
    });
  }
}

async function settled(trace: Trace, clock: Clock): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = clock.schedule(SETTLE_MAX_MS, () => {
    trace.untracked(NOT_ENDED);
    late.resolve();
  });
  await Promise.race([trace.settled(), late.promise]);
  timer.cancel();
}
