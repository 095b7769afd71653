/**
 * What is stored for a request, and whether it may be the answer.
 *
 * Invariants:
 * - Fresh means: within its time, not expired, and confirmed by the sources of changes it hangs on.
 * - What they do not confirm is never served while a refresh runs: it may only replace an error.
 */
import type { ServerResponse } from "node:http";
import type { EntryView } from "../../cache/index.ts";
import { type Engine, isConfirmed, lookAt, maxStaleKey } from "./engine.ts";
import { mayReplaceError, mayServeWhileRefreshing, type Next, type Replay } from "./exchange.ts";
import {
  freshUses,
  MAX_STALE_HIT,
  STALE_IF_ERROR,
  STALE_WHILE_REVALIDATE,
  sendStored,
  type Use,
} from "./hit.ts";
import type { ExtendedRequest } from "./reads.ts";
import { isRefresh, refresh } from "./refresh.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { EntryKey } from "./request-key.ts";
import type { Route } from "./route.ts";
import { markServed } from "./served.ts";
import type { StoredResponse } from "./stored-response.ts";
import { selectVariant, type VariantSet } from "./variants.ts";

/** What a framework hands over for each request. */
export interface Incoming {
  readonly req: ExtendedRequest;
  readonly res: ServerResponse;
  readonly next: Next;
  readonly adapter: Adapter;
}

/** What a framework knows about a route; one object for all its requests. */
export interface Adapter {
  /** Names the route for reports, asked at its first request. */
  name(req: ExtendedRequest): string;
  /** How to run the handler again, where it can be. */
  replay(req: ExtendedRequest): Replay | undefined;
}

export const ANSWERED: unique symbol = Symbol("answered");

export interface Lookup {
  readonly incoming: Incoming;
  readonly facts: RequestFacts;
  readonly key: EntryKey;
  readonly url: string;
}

/** Answers if it can; otherwise the stale response there is, if any. */
export function answerFromCache(
  engine: Engine,
  route: Route,
  lookup: Lookup,
): StoredResponse | undefined | typeof ANSWERED {
  const entry = lookAt(engine, lookup.key);
  return answerFrom(engine, route, lookup, entry) ?? answerMaxStale(engine, route, lookup);
}

/** The same from an entry that was found: another process may have made it. */
export function answerFrom(
  engine: Engine,
  route: Route,
  lookup: Lookup,
  entry: EntryView<VariantSet> | undefined,
): StoredResponse | undefined | typeof ANSWERED {
  const stored = entry === undefined ? undefined : selectVariant(entry.value, lookup.incoming.req);
  if (entry === undefined || stored === undefined) return undefined;
  const nowMs = engine.cache.nowMs();
  const confirmed = isConfirmed(entry, stored);
  const inTime = !entry.expired && nowMs < stored.freshUntilMs && nowMs < entry.freshUntilMs;
  if (inTime && confirmed) {
    route.hits += 1;
    engine.counters.hits += 1;
    send(engine, lookup, stored, freshUses(stored.trackedAs).inline);
    return ANSWERED;
  }
  if (!confirmed) {
    engine.counters.unconfirmed += 1;
    if (answerMaxStale(engine, route, lookup) === ANSWERED) return ANSWERED;
    if (stored.freshness.staleIfErrorMs === 0) return undefined;
  }
  const { freshUntilMs: entryFreshUntilMs } = entry;
  return answerStale(engine, route, lookup, { stored, entryFreshUntilMs, confirmed });
}

interface Found {
  readonly stored: StoredResponse;
  readonly entryFreshUntilMs: number;
  readonly confirmed: boolean;
}

function answerStale(
  engine: Engine,
  route: Route,
  lookup: Lookup,
  found: Found,
): StoredResponse | typeof ANSWERED {
  const { stored, entryFreshUntilMs, confirmed } = found;
  if (isRefresh(lookup.incoming.req)) return stored;
  const nowMs = engine.cache.nowMs();
  const paused = nowMs < stored.retryAtMs && mayReplaceError(engine, stored);
  const replay = lookup.incoming.adapter.replay(lookup.incoming.req);
  const refreshable = confirmed && route.refreshable && replay !== undefined;
  const whileRefreshing = refreshable && mayServeWhileRefreshing(stored, entryFreshUntilMs, nowMs);
  if (!paused && !whileRefreshing) return stored;
  engine.counters.staleHits += 1;
  send(engine, lookup, stored, paused ? STALE_IF_ERROR : STALE_WHILE_REVALIDATE);
  if (!paused) {
    const { incoming, key, url } = lookup;
    const facts = { ...lookup.facts };
    const { req, res, next } = incoming;
    const exchange = { engine, route, req, res, next, replay, key, url, facts };
    refresh({ ...exchange, stale: stored, attempts: 0 }, stored);
  }
  return ANSWERED;
}

/** The copy that no invalidation reaches, for routes that bound their refills. */
function answerMaxStale(engine: Engine, route: Route, lookup: Lookup): undefined | typeof ANSWERED {
  const { maxStaleMs } = route.policy;
  if (maxStaleMs === undefined || maxStaleMs === 0) return undefined;
  const entry = lookAt(engine, maxStaleKey(engine, lookup.key));
  const nowMs = engine.cache.nowMs();
  if (entry === undefined || nowMs >= entry.freshUntilMs) return undefined;
  const stored = selectVariant(entry.value, lookup.incoming.req);
  if (stored === undefined) return undefined;
  route.hits += 1;
  engine.counters.hits += 1;
  send(engine, lookup, stored, MAX_STALE_HIT);
  return ANSWERED;
}

export function send(
  engine: Engine,
  lookup: { readonly incoming: Pick<Incoming, "req" | "res">; readonly facts: RequestFacts },
  stored: StoredResponse,
  use: Use,
): void {
  const nowMs = engine.cache.nowMs();
  const { req, res } = lookup.incoming;
  stored.usage.hits += 1;
  markServed(res, use.mark);
  const rep = engine.codings.choose(stored, negotiated(engine, lookup.facts));
  sendStored({ req, res, facts: lookup.facts, nowMs }, stored, rep, use);
  engine.codings.noteHit(stored);
}

function negotiated(engine: Engine, facts: RequestFacts): ReturnType<Engine["negotiate"]> {
  return facts.noCompression ? "identity" : engine.negotiate(facts.acceptEncoding);
}
