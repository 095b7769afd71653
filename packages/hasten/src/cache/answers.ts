import type { Deadlines } from "./deadlines.ts";
import type { Entry } from "./entry.ts";
import { loadTimedOut } from "./errors.ts";
import { publish } from "./events.ts";
import { resolveLoad } from "./load-options.ts";
import { type LoadParts, LoadRequest } from "./load-parts.ts";
import type { Loads } from "./loads.ts";
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
 * than `retryAfterMs` ago, or softTimeoutMs 0), and else a load with its deadlines.
 */
export function createAnswer(parts: LoadParts, loads: Loads, deadlines: Deadlines): Answer {
  const { options, counters, shelf, now } = parts;
  const defaults = resolveLoad(options, {});

  return (key, load, call, absent) => {
    const entry = absent ? undefined : shelf.find(key);
    const nowMs = entry === undefined ? 0 : now();
    if (entry?.failure === true && nowMs < entry.freshUntilMs) {
      shelf.memory.touch(entry);
      counters.hits += 1;
      return Promise.reject(entry.stored as Error);
    }
    if (entry !== undefined && nowMs < entry.refreshAtMs) return hit(entry);
    const resolved =
      call === NO_OPTIONS ? defaults : resolveLoad(options, call as LoadOptions<unknown>);
    const stale = usable(entry, nowMs);
    const request = new LoadRequest(key, load, resolved, stale);
    if (stale !== undefined && nowMs < stale.freshUntilMs) {
      // One early refresh at a time: until it has landed, hits are plain again.
      stale.refreshAtMs = stale.freshUntilMs;
      loads.refresh(request);
      return hit(stale);
    }
    counters.misses += 1;
    return stale === undefined ? byLoad(request) : byLoadOrStale(request, stale, nowMs);
  };

  function hit(entry: Entry): unknown {
    shelf.memory.touch(entry);
    counters.hits += 1;
    return entry.value;
  }

  function byLoad(request: LoadRequest): Promise<unknown> {
    const work = loads.obtain(request);
    const { hardTimeoutMs } = request.options;
    if (hardTimeoutMs === undefined) return work;
    return deadlines.within(work, hardTimeoutMs, () => timedOut(request, hardTimeoutMs));
  }

  function timedOut(request: LoadRequest, ms: number): never {
    request.gone = true;
    counters.timeouts += 1;
    throw loadTimedOut(request.key, ms);
  }

  function byLoadOrStale(request: LoadRequest, stale: Entry, nowMs: number): unknown {
    const serve = (because: string): unknown => {
      request.gone = true;
      counters.staleServed += 1;
      shelf.memory.touch(stale);
      publish({ cache: options.name, kind: "stale-served", key: request.key, because });
      return stale.value;
    };
    if (nowMs < stale.retryAtMs) return serve("a load failed just now");
    const { softTimeoutMs = NEVER, hardTimeoutMs = NEVER } = request.options;
    if (softTimeoutMs === 0) {
      loads.refresh(request);
      return serve("revalidating");
    }
    const work = loads.obtain(request).catch((error: unknown) => {
      if (now() >= stale.staleUntilMs) throw error;
      return serve("the load failed");
    });
    // Where the grace ends first there will be nothing to serve: only the hard one counts.
    const softMs = nowMs + softTimeoutMs < stale.staleUntilMs ? softTimeoutMs : NEVER;
    const ms = Math.min(softMs, hardTimeoutMs);
    if (ms === NEVER) return work;
    return deadlines.within(work, ms, () =>
      now() < stale.staleUntilMs ? serve("the load is slow") : timedOut(request, ms),
    );
  }
}

const NEVER = Number.POSITIVE_INFINITY;

/** Fresh, or stale within its grace. */
function usable(entry: Entry | undefined, nowMs: number): Entry | undefined {
  return entry !== undefined && !entry.failure && nowMs < entry.staleUntilMs ? entry : undefined;
}
