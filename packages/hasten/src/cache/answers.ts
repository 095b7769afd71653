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

  /** The same where nothing is here to stand in, but another process may have something. */
  function byLoadOrFound(request: LoadRequest): Promise<unknown> {
    const { softTimeoutMs, hardTimeoutMs } = request.options;
    const foundOr = (instead: () => unknown, because: string): unknown => {
      const { stale } = request;
      if (stale === undefined || !mayStandIn(parts, stale)) return instead();
      return serve(request, stale, because);
    };
    let work = loads.obtain(request).catch((error: unknown) =>
      foundOr(() => {
        throw error;
      }, "the load failed"),
    );
    if (softTimeoutMs === 0) work = orStale(request, work);
    else if (softTimeoutMs !== undefined) {
      const loading = work;
      work = deadlines.within(loading, softTimeoutMs, () => orStale(request, loading));
    }
    if (hardTimeoutMs === undefined) return work;
    return deadlines.within(work, hardTimeoutMs, () =>
      foundOr(() => timedOut(request, hardTimeoutMs), "the load is slow"),
    );
  }

  /** What comes first: the value, or one that was found and may stand in for a wait. */
  function orStale(request: LoadRequest, work: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      request.onStale = () => {
        const { stale } = request;
        if (request.gone || stale === undefined) return;
        if (mayStandIn(parts, stale) && isConfirmed(parts, stale))
          resolve(serve(request, stale, "the load is slow"));
      };
      request.onStale();
      work.then(resolve, reject);
    });
  }

  function serve(request: LoadRequest, stale: Entry, because: string): unknown {
    request.gone = true;
    counters.staleServed += 1;
    shelf.memory.touch(stale);
    if (request.trace !== undefined) rules.include(request.trace, stale);
    publish({ cache: options.name, kind: "stale-served", key: request.key, because });
    return stale.value;
  }

  function timedOut(request: LoadRequest, ms: number): never {
    request.gone = true;
    request.trace?.untracked(GIVEN_UP);
    counters.timeouts += 1;
    throw loadTimedOut(request.key, ms);
  }

  function byLoadOrStale(request: LoadRequest, stale: Entry, nowMs: number): unknown {
    const serveIt = (because: string): unknown => serve(request, stale, because);
    if (nowMs < stale.retryAtMs) return serveIt("a load failed just now");
    const { hardTimeoutMs = NEVER } = request.options;
    const softTimeoutMs = isConfirmed(parts, stale)
      ? (request.options.softTimeoutMs ?? NEVER)
      : NEVER;
    if (softTimeoutMs === 0) {
      loads.refresh(request);
      return serveIt("revalidating");
    }
    const work = loads.obtain(request).catch((error: unknown) => {
      if (!mayStandIn(parts, stale)) throw error;
      return serveIt("the load failed");
    });
    // Where the grace ends first there will be nothing to serve: only the hard one counts.
    const softMs = nowMs + softTimeoutMs < stale.staleUntilMs ? softTimeoutMs : NEVER;
    const ms = Math.min(softMs, hardTimeoutMs);
    if (ms === NEVER) return work;
    return deadlines.within(work, ms, () => {
      if (mayStandIn(parts, stale) && (ms === hardTimeoutMs || isConfirmed(parts, stale)))
        return serveIt("the load is slow");
      if (ms === hardTimeoutMs) return timedOut(request, ms);
      // Its sources fell silent meanwhile: it may stand in for an error only.
      if (hardTimeoutMs === NEVER) return work;
      return deadlines.within(work, hardTimeoutMs - ms, () =>
        mayStandIn(parts, stale) ? serveIt("the load is slow") : timedOut(request, hardTimeoutMs),
      );
    });
  }
}

const NEVER = Number.POSITIVE_INFINITY;
