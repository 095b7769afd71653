import { currentTrace, type Trace } from "../core/trace/index.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Entry } from "./entry.ts";
import { loadTimedOut } from "./errors.ts";
import { publish } from "./events.ts";
import { resolveLoad } from "./load-options.ts";
import { type LoadParts, LoadRequest } from "./load-parts.ts";
import type { Loads } from "./loads.ts";
import { isConfirmed, mayStandIn } from "./standing.ts";
import { GIVEN_UP } from "./tracking.ts";
import type { LoadOptions } from "./types.ts";

/** The options of calls without any; told by identity. */
export const NO_OPTIONS: LoadOptions<never> = {};

/**
 * Answers a getOrSet that was no plain hit: a promise, or a value that needs no waiting.
 * @param absent nothing is kept under the key: it need not be looked up again
 */
export type Answer = (
  key: string,
  load: LoadRequest["load"],
  call: LoadOptions<never>,
  absent: boolean,
) => unknown;

/**
 * What a caller gets when its key is not plainly fresh, in this order: a remembered error, a fresh
 * value (refreshed in the background when it is time), a stale value at once (a failed load less
 * than `retryAfterMs` ago, or softTimeoutMs 0), and else a load with its deadlines. A value whose
 * sources do not confirm it stands in for errors and hard time-outs only.
 */
export function createAnswer(parts: LoadParts, loads: Loads, deadlines: Deadlines): Answer {
  const { options, counters, shelf, now, rules, sampler } = parts;
  const defaults = resolveLoad(options, {});

  return (key, load, call, absent) => {
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
    const request = new LoadRequest(key, load, resolved, { stale, trace });
    if (stale !== undefined && confirmed && nowMs < stale.freshUntilMs) {
      // One early refresh at a time: until it has landed, hits are plain again.
      stale.refreshAtMs = stale.freshUntilMs;
      loads.refresh(request);
      return hit(stale, trace).value;
    }
    counters.misses += 1;
    return stale === undefined ? byLoad(request) : byLoadOrStale(request, stale, nowMs);
  };

  function hit(entry: Entry, trace: Trace | undefined): Entry {
    shelf.memory.touch(entry);
    counters.hits += 1;
    if (counters.hits >= sampler.dueAt) sampler.take(entry.key);
    if (!entry.confirmed) counters.unconfirmedServed += 1;
    if (trace !== undefined) rules.include(trace, entry);
    return entry;
  }

  function byLoad(request: LoadRequest): Promise<unknown> {
    const work = loads.obtain(request);
    const { hardTimeoutMs } = request.options;
    if (hardTimeoutMs === undefined) return work;
    return deadlines.within(work, hardTimeoutMs, () => timedOut(request, hardTimeoutMs));
  }

  function timedOut(request: LoadRequest, ms: number): never {
    request.gone = true;
    request.trace?.untracked(GIVEN_UP);
    counters.timeouts += 1;
    throw loadTimedOut(request.key, ms);
  }

  function byLoadOrStale(request: LoadRequest, stale: Entry, nowMs: number): unknown {
    const serve = (because: string): unknown => {
      request.gone = true;
      counters.staleServed += 1;
      shelf.memory.touch(stale);
      if (request.trace !== undefined) rules.include(request.trace, stale);
      publish({ cache: options.name, kind: "stale-served", key: request.key, because });
      return stale.value;
    };
    if (nowMs < stale.retryAtMs) return serve("a load failed just now");
    const { hardTimeoutMs = NEVER } = request.options;
    const softTimeoutMs = isConfirmed(parts, stale)
      ? (request.options.softTimeoutMs ?? NEVER)
      : NEVER;
    if (softTimeoutMs === 0) {
      loads.refresh(request);
      return serve("revalidating");
    }
    const work = loads.obtain(request).catch((error: unknown) => {
      if (!mayStandIn(parts, stale)) throw error;
      return serve("the load failed");
    });
    // Where the grace ends first there will be nothing to serve: only the hard one counts.
    const softMs = nowMs + softTimeoutMs < stale.staleUntilMs ? softTimeoutMs : NEVER;
    const ms = Math.min(softMs, hardTimeoutMs);
    if (ms === NEVER) return work;
    return deadlines.within(work, ms, () => {
      if (mayStandIn(parts, stale) && (ms === hardTimeoutMs || isConfirmed(parts, stale)))
        return serve("the load is slow");
      if (ms === hardTimeoutMs) return timedOut(request, ms);
      // Its sources fell silent meanwhile: it may stand in for an error only.
      if (hardTimeoutMs === NEVER) return work;
      return deadlines.within(work, hardTimeoutMs - ms, () =>
        mayStandIn(parts, stale) ? serve("the load is slow") : timedOut(request, hardTimeoutMs),
      );
    });
  }
}

const NEVER = Number.POSITIVE_INFINITY;
