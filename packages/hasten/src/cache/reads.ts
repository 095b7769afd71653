import { COARSE_USES_MAX } from "../core/coarse-clock.ts";
import { currentTrace } from "../core/trace/index.ts";
import { ABSENT, type Answer, NO_OPTIONS, NOT_FRESH } from "./answers.ts";
import { checkKey, type Key } from "./keys.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import { isFresh, mayStandIn } from "./standing.ts";
import type { Cache, EntryView, LoadContext, LoadOptions } from "./types.ts";

/**
 * The calls that are made for every request. A hit takes one look at the map and no promise, and
 * the eviction policy is told of every one: it compares counts, and a burst is a use as well.
 */
export type Reads = Pick<Cache, "peek" | "entry" | "getOrSet">;

/** A hit in so many makes the coarse clock read the time again, and the next one be looked at. */
const USES_MASK = COARSE_USES_MAX - 1;

/**
 * @param off answers getOrSet once `state.closed` is set
 */
export function createReads(
  parts: LoadParts,
  answer: Answer,
  { state, off }: { readonly state: { readonly closed: boolean }; readonly off: Cache },
): Reads {
  const { fence, shelf, counters, coarse, rules, sampler } = parts;
  const { memory } = shelf;

  const peek = <V>(key: Key<V>): V | undefined => {
    const entry = memory.peek(key);
    if (entry === undefined) {
      counters.misses += 1;
      return undefined;
    }
    if (
      coarse.knownMs < entry.refreshAtMs &&
      entry.checkedSeq === fence.recordsSeq &&
      (entry.guard === undefined || rules.confirmed(entry.guard))
    ) {
      memory.touch(entry);
      counters.hits += 1;
      if ((counters.hits & USES_MASK) === 0) coarse.drop();
      const trace = currentTrace();
      if (trace !== undefined) rules.include(trace, entry);
      return (entry.codec === undefined ? entry.stored : entry.value) as V;
    }
    return peekAgain(key);
  };
  const peekAgain = <V>(key: Key<V>): V | undefined => {
    const entry = shelf.find(key);
    if (entry === undefined || entry.failure || !isFresh(parts, entry)) {
      counters.misses += 1;
      return undefined;
    }
    memory.touch(entry);
    counters.hits += 1;
    sampler.see(key);
    if (!entry.confirmed) counters.unconfirmedServed += 1;
    const trace = currentTrace();
    if (trace !== undefined) rules.include(trace, entry);
    return entry.value as V;
  };
  const getOrSet: Cache["getOrSet"] = <V>(
    key: Key<V>,
    load: (context: LoadContext<V>) => V | Promise<V>,
    call: LoadOptions<V> = NO_OPTIONS as LoadOptions<V>,
  ): V | Promise<V> => {
    const entry = memory.peek(key);
    if (
      entry !== undefined &&
      coarse.knownMs < entry.refreshAtMs &&
      entry.checkedSeq === fence.recordsSeq &&
      (entry.guard === undefined || rules.confirmed(entry.guard))
    ) {
      memory.touch(entry);
      counters.hits += 1;
      if ((counters.hits & USES_MASK) === 0) coarse.drop();
      const trace = currentTrace();
      if (trace !== undefined) rules.include(trace, entry);
      return (entry.codec === undefined ? entry.stored : entry.value) as V;
    }
    checkKey(key);
    if (state.closed) return off.getOrSet(key, load, call);
    const known = entry === undefined ? ABSENT : NOT_FRESH;
    return answer(key, load as LoadRequest["load"], call as LoadOptions<never>, known) as
      | V
      | Promise<V>;
  };

  return {
    peek,
    getOrSet,
    entry<V>(key: Key<V>, look?: { readonly aside?: boolean }) {
      const entry = shelf.find(key);
      if (entry === undefined || !mayStandIn(parts, entry)) return undefined;
      memory.touch(entry);
      const trace = look?.aside === true ? undefined : currentTrace();
      if (trace !== undefined) rules.include(trace, entry);
      return entry as EntryView<unknown> as EntryView<V>;
    },
  };
}
