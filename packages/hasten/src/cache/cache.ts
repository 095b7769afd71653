import { CoarseClock } from "../core/coarse-clock.ts";
import { createAnswer } from "./answers.ts";
import { answerMany } from "./batches.ts";
import { Deadlines } from "./deadlines.ts";
import { explain } from "./explain.ts";
import { createMatching } from "./groups/matching.ts";
import { History } from "./history.ts";
import { HitSampler } from "./hot/sampler.ts";
import { createWatching } from "./hot/watching.ts";
import { createInvalidations } from "./invalidations.ts";
import { checkKey, defineKey, type KeyDefinition, type KeyOptions } from "./keys.ts";
import { LoadGate } from "./load-gate.ts";
import { LOAD_RULES, type LoadParts, type LoadRules } from "./load-parts.ts";
import { createLoads } from "./loads.ts";
import { type CacheOptions, type ResolvedOptions, resolveCache } from "./options.ts";
import { passThrough } from "./pass-through.ts";
import { createReads } from "./reads.ts";
import type { SharedTier } from "./shared/port.ts";
import { openSharedTier } from "./shared/tier/index.ts";
import { createShelf, refused } from "./shelf.ts";
import { createCounters, summary } from "./stats.ts";
import { openFill } from "./tracking.ts";
import { createLooks, looksAlone } from "./two-tier/looks.ts";
import type { Cache, Explanation, LoadOptions } from "./types.ts";
import { createWrites } from "./writes.ts";

/**
 * A cache in this process that cannot store a value older than an invalidation.
 * Bounded by entries and by bytes; every entry has a time to live.
 * @throws HastenError HST_CACHE_OPTION and HST_MEMORY_* for options out of bounds
 */
export function createCache(options?: CacheOptions): Cache {
  return assembleCache(options, LOAD_RULES);
}

const MARKS_MAX = 100_000;
const CLOSED = refused("cache is closed");
const NOBODY: object = {};

/**
 * `createCache` with the rules that make it safe as a parameter, for the tests of those rules.
 * @param tier instead of the one of `redis`; the cache closes it
 */
export function assembleCache(
  options: CacheOptions | undefined,
  rules: LoadRules,
  tier?: SharedTier,
): Cache {
  const resolved = resolveCache(options);
  if (!resolved.enabled) return passThrough(resolved);
  const shared = tier ?? tierOf(resolved, options);
  if (shared === undefined) return open(resolved, rules, undefined);
  return open({ ...resolved, log: shared.log }, rules, shared);
}

function tierOf(
  { name, clock }: ResolvedOptions,
  { redis }: CacheOptions = {},
): SharedTier | undefined {
  return redis === undefined ? undefined : openSharedTier(redis, { namespace: name, clock });
}

function partsOf(
  options: ResolvedOptions,
  rules: LoadRules,
  tier: SharedTier | undefined,
): LoadParts {
  const fence = rules.fence({ fillsMax: options.fillsMax, marksMax: MARKS_MAX });
  // What comes from Redis, and what goes there, is judged by more than the fills that are open.
  if (options.tracked || tier !== undefined) fence.keepMarks();
  const counters = createCounters();
  const coarse = new CoarseClock(options.clock);
  const now = (): number => coarse.now();
  const history = new History();
  const shelf = createShelf(options, { fence, counters, coarse, history });
  const identity = { cache: NOBODY };
  const look = (key: string): unknown => shelf.memory.peek(key)?.value;
  const sampler = new HitSampler({ counters, coarse, clock: options.clock, look });
  const { loadsMax, fillsMax } = options;
  const gate =
    loadsMax === Number.POSITIVE_INFINITY
      ? undefined
      : new LoadGate({ loadsMax, waitingMax: fillsMax });
  const kept = { options, fence, shelf, counters, history, tier };
  return { ...kept, coarse, sampler, now, rules, identity, gate };
}

function open(options: ResolvedOptions, rules: LoadRules, tier: SharedTier | undefined): Cache {
  const parts = partsOf(options, rules, tier);
  const { fence, shelf, counters, now } = parts;
  const loads = createLoads(parts);
  const deadlines = new Deadlines(options.clock);
  const answer = createAnswer(parts, loads, deadlines);
  const invalidations = createInvalidations(parts);
  const writes = createWrites(parts, invalidations);
  const unsubscribe = invalidations.listen();
  const off = passThrough(options);
  const state = { closed: false };
  const reads = createReads(parts, answer, { state, off });
  const { peek } = reads;
  const why = (key: string): Explanation => explain(parts, key);

  const cache: Cache = {
    name: options.name,
    get enabled() {
      return !state.closed;
    },
    nowMs: now,
    ...reads,
    ...createWatching(parts, () => loads.running),
    deleteMatching: createMatching(parts, invalidations.calls),
    tracked: options.tracked,
    shared: tier,
    ...(tier === undefined
      ? looksAlone({ peek, why })
      : createLooks(parts, tier, { peek, why, state })),
    key: (name, build) => registering(parts, name, defineKey(name, build)),
    set: async (key, value, call = {}) => (state.closed ? CLOSED : writes.set(key, value, call)),
    ...invalidations.calls,
    getOrSetMany(keys, load, call = {}) {
      for (const key of keys) checkKey(key);
      if (state.closed) return off.getOrSetMany(keys, load, call);
      const how = { load, call: call as LoadOptions<never>, options };
      return answerMany(answer, keys, how) as never;
    },
    wrap:
      (fn, call) =>
      (...args) =>
        reads.getOrSet(call.key(...args), () => fn(...args), call),
    increment: async (key, by = 1, call = {}) =>
      state.closed ? off.increment(key, by) : writes.increment(key, by, call),
    begin(key, { trace } = {}) {
      checkKey(key);
      return state.closed ? off.begin(key) : openFill(parts, key, trace);
    },
    why,
    stats: () =>
      summary(options.name, counters, {
        entries: shelf.memory.size,
        bytes: shelf.memory.bytes,
        runningLoads: loads.running,
        queuedLoads: parts.gate?.waiting ?? 0,
        shared: tier?.stats(),
        trackedTags: fence.trackedTags,
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
  parts.identity.cache = cache;
  return cache;

  async function close(): Promise<void> {
    if (state.closed) return;
    state.closed = true;
    const idle = loads.idle();
    const timer = options.clock.schedule(options.drainMs, () =>
      loads.abandon("the cache was closed"),
    );
    await idle;
    timer.cancel();
    loads.stop();
    deadlines.stop();
    invalidations.calls.dropLocal("everything", "the cache was closed");
    // Not before: what loads were about to bring is judged by what others tell.
    unsubscribe();
    await tier?.close(options.drainMs);
  }
}

/** The cache learns how values of this kind are kept. */
function registering<A extends readonly unknown[]>(
  { shelf }: LoadParts,
  name: string,
  definition: KeyDefinition<A>,
): KeyDefinition<A> {
  return {
    of<V>(kind: KeyOptions<V> = {}) {
      shelf.register(name, kind as unknown as KeyOptions<never>);
      return definition.of<V>();
    },
  };
}
