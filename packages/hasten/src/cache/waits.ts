import type { Deadlines } from "./deadlines.ts";
import type { Entry } from "./entry.ts";
import { loadTimedOut } from "./errors.ts";
import { publish } from "./events.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import type { Loads } from "./loads.ts";
import { isConfirmed, mayStandIn } from "./standing.ts";
import { GIVEN_UP } from "./tracking.ts";

/** How a caller waits for a load, and what it gets instead if that takes too long or fails. */
export interface Waits {
  /** Nothing can stand in. */
  byLoad(request: LoadRequest): Promise<unknown>;
  /** Nothing is here to stand in, but another process may have something. */
  byLoadOrFound(request: LoadRequest): Promise<unknown>;
  byLoadOrStale(request: LoadRequest, stale: Entry, nowMs: number): unknown;
}

export function createWaits(parts: LoadParts, loads: Loads, deadlines: Deadlines): Waits {
  const { options, counters, shelf, rules } = parts;
  return { byLoad, byLoadOrFound, byLoadOrStale };

  function byLoad(request: LoadRequest): Promise<unknown> {
    const work = loads.obtain(request);
    const { hardTimeoutMs } = request.options;
    if (hardTimeoutMs === undefined) return work;
    return deadlines.within(work, hardTimeoutMs, () => timedOut(request, hardTimeoutMs));
  }

  function byLoadOrFound(request: LoadRequest): Promise<unknown> {
    const { softTimeoutMs, hardTimeoutMs } = request.options;
    let work = loads.obtain(request).catch((error: unknown) => {
      if (!canStandIn(request.stale)) throw error;
      return serve(request, request.stale, "the load failed");
    });
    if (softTimeoutMs === 0) work = orStale(request, work);
    else if (softTimeoutMs !== undefined) {
      const loading = work;
      work = deadlines.within(loading, softTimeoutMs, () => orStale(request, loading));
    }
    if (hardTimeoutMs === undefined) return work;
    return deadlines.within(work, hardTimeoutMs, () =>
      canStandIn(request.stale)
        ? serve(request, request.stale, "the load is slow")
        : timedOut(request, hardTimeoutMs),
    );
  }

  function canStandIn(stale: Entry | undefined): stale is Entry {
    return stale !== undefined && mayStandIn(parts, stale);
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
