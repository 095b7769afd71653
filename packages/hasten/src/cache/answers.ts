import { within } from "./deadline.ts";
import type { Entry } from "./entry.ts";
import { loadTimedOut } from "./errors.ts";
import { publish } from "./events.ts";
import { type ResolvedLoad, resolveLoad } from "./load-options.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import type { Loads } from "./loads.ts";
import type { LoadContext, LoadOptions } from "./types.ts";

/** The options of calls without any; told by identity. */
export const NO_OPTIONS: LoadOptions<never> = {};

/** What a caller asked for, as it came. */
export interface Question {
  readonly key: string;
  readonly load: (context: LoadContext<never>) => unknown;
  readonly call: LoadOptions<never>;
  /** Nothing is kept under the key: it need not be looked up again. */
  readonly absent?: boolean;
}

/** Answers a getOrSet that was no plain hit. A promise, or a value that needs no waiting. */
export type Answer = (question: Question) => unknown;

/**
 * What a caller gets when its key is not plainly fresh, in this order: a remembered error, a fresh
 * value (refreshed in the background when it is time), a stale value at once (a failed load less
 * than `retryAfterMs` ago, or softTimeoutMs 0), and else a load with its deadlines.
 */
export function createAnswer(parts: LoadParts, loads: Loads): Answer {
  const { options, counters, shelf, now } = parts;

  const defaults = resolveLoad(options, {});

  return ({ key, load, call, absent }) => {
    const entry = absent === true ? undefined : shelf.find(key);
    const nowMs = now();
    if (entry?.failure === true && nowMs < entry.freshUntilMs) {
      counters.hits += 1;
      return Promise.reject(entry.stored as Error);
    }
    if (entry !== undefined && nowMs < entry.refreshAtMs) {
      counters.hits += 1;
      return entry.value;
    }
    const resolved =
      call === NO_OPTIONS ? defaults : resolveLoad(options, call as LoadOptions<unknown>);
    const stale = usable(entry, nowMs);
    const request: LoadRequest = { key, load, options: resolved, stale, gone: false };
    if (stale !== undefined && nowMs < stale.freshUntilMs) {
      counters.hits += 1;
      // One early refresh at a time: until it has landed, hits are plain again.
      stale.refreshAtMs = stale.freshUntilMs;
      loads.refresh(request);
      return stale.value;
    }
    counters.misses += 1;
    return stale === undefined ? byLoad(request, resolved) : byLoadOrStale(request, stale, nowMs);
  };

  function byLoad(request: LoadRequest, { hardTimeoutMs }: ResolvedLoad): Promise<unknown> {
    const work = loads.obtain(request);
    if (hardTimeoutMs === undefined) return work;
    return within(options.clock, work, {
      ms: hardTimeoutMs,
      late() {
        request.gone = true;
        counters.timeouts += 1;
        throw loadTimedOut(request.key, hardTimeoutMs);
      },
    });
  }

  function byLoadOrStale(request: LoadRequest, stale: Entry, nowMs: number): unknown {
    const { softTimeoutMs, hardTimeoutMs } = request.options;
    const serve = (because: string): unknown => {
      request.gone = true;
      counters.staleServed += 1;
      publish({ cache: options.name, kind: "stale-served", key: request.key, because });
      return stale.value;
    };
    if (nowMs < stale.retryAtMs) return serve("a load failed just now");
    if (softTimeoutMs === 0) {
      loads.refresh(request);
      return serve("revalidating");
    }
    const work = loads.obtain(request).catch((error: unknown) => {
      if (now() >= stale.staleUntilMs) throw error;
      return serve("the load failed");
    });
    const ms = Math.min(
      softTimeoutMs ?? Number.POSITIVE_INFINITY,
      hardTimeoutMs ?? Number.POSITIVE_INFINITY,
    );
    if (ms === Number.POSITIVE_INFINITY) return work;
    return within(options.clock, work, { ms, late: () => serve("the load is slow") });
  }
}

/** Fresh, or stale within its grace. */
function usable(entry: Entry | undefined, nowMs: number): Entry | undefined {
  return entry !== undefined && !entry.failure && nowMs < entry.staleUntilMs ? entry : undefined;
}
