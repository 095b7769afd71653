import { currentTrace, type Trace } from "../core/trace/index.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Entry } from "./entry.ts";
import { resolveLoad } from "./load-options.ts";
import { type LoadParts, LoadRequest } from "./load-parts.ts";
import type { Loads } from "./loads.ts";
import { isConfirmed, mayStandIn } from "./standing.ts";
import type { LoadOptions } from "./types.ts";
import { createWaits } from "./waits.ts";

/** The options of calls without any; told by identity. */
export const NO_OPTIONS: LoadOptions<never> = {};

/**
 * Answers a getOrSet that was no plain hit: a promise, or a value that needs no waiting.
 */
export type Answer = (
  key: string,
  load: LoadRequest["load"],
  call: LoadOptions<never>,
  known: Known,
) => unknown;

/** What is known of a call before it is answered. */
export interface Known {
  /** Nothing is kept under the key: it need not be looked up again. */
  readonly absent: boolean;
  /** To be called if its load will not start with those of the same turn. */
  readonly onDelay: (() => void) | undefined;
}

export const ABSENT: Known = { absent: true, onDelay: undefined };
export const NOT_FRESH: Known = { absent: false, onDelay: undefined };

/**
 * What a caller gets when its key is not plainly fresh, in this order: a remembered error, a fresh
 * value (refreshed in the background when it is time), a stale value at once (a failed load less
 * than `retryAfterMs` ago, or softTimeoutMs 0), and else a load with its deadlines. A value whose
 * sources do not confirm it stands in for errors and hard time-outs only.
 */
export function createAnswer(parts: LoadParts, loads: Loads, deadlines: Deadlines): Answer {
  const { options, counters, shelf, now, rules, sampler, gate, tier } = parts;
  const { byLoad, byLoadOrFound, byLoadOrStale } = createWaits(parts, loads, deadlines);
  const defaults = resolveLoad(options, {});

  return (key, load, call, { absent, onDelay }) => {
    const entry = absent ? undefined : shelf.find(key);
    const nowMs = entry === undefined ? 0 : now();
    const confirmed = entry !== undefined && isConfirmed(parts, entry);
    const trace = currentTrace();
    if (confirmed && entry.failure && nowMs < entry.freshUntilMs) {
      hit(entry, trace);
      return Promise.reject(entry.stored as Error);
    }
    if (confirmed && nowMs < entry.refreshAtMs) return hit(entry, trace).value;
    const resolved =
      call === NO_OPTIONS ? defaults : resolveLoad(options, call as LoadOptions<unknown>);
    const stale = entry !== undefined && mayStandIn(parts, entry) ? entry : undefined;
    const nested = gate?.nested === true;
    const request = new LoadRequest(key, load, resolved, { stale, trace, nested });
    request.onDelay = onDelay;
    if (stale !== undefined && confirmed && nowMs < stale.freshUntilMs) {
      // One early refresh at a time: until it has landed, hits are plain again.
      stale.refreshAtMs = stale.freshUntilMs;
      loads.refresh(request);
      return hit(stale, trace).value;
    }
    counters.misses += 1;
    if (stale !== undefined) return byLoadOrStale(request, stale, nowMs);
    return tier === undefined ? byLoad(request) : byLoadOrFound(request);
  };

  function hit(entry: Entry, trace: Trace | undefined): Entry {
    shelf.memory.touch(entry);
    counters.hits += 1;
    sampler.see(entry.key);
    if (!entry.confirmed) counters.unconfirmedServed += 1;
    if (trace !== undefined) rules.include(trace, entry);
    return entry;
  }
}
