/**
 * One request at a cached route: hit, stale, wait for another's answer, or run the handler.
 *
 * Hot path: reads the raw header once, builds one string, looks once in the cache, writes once.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import { formatCacheStatus } from "../cache-status.ts";
import { variantKey } from "../vary.ts";
import { type Engine, maxStaleKey } from "./engine.ts";
import {
  type Exchange,
  mayReplaceError,
  mayServeWhileRefreshing,
  type Next,
  type Replay,
} from "./exchange.ts";
import { runFill } from "./fill.ts";
import type { Landing } from "./flights.ts";
import {
  COLLAPSED,
  INLINE_HIT,
  MAX_STALE_HIT,
  STALE_IF_ERROR,
  STALE_WHILE_REVALIDATE,
  sendStored,
  type Use,
} from "./hit.ts";
import type { ExtendedRequest } from "./reads.ts";
import { excludeIfTouched, isRefresh, refresh, takeTicket } from "./refresh.ts";
import { type RequestFacts, readFacts } from "./request-facts.ts";
import { bypassReason, type EntryKey, keyedUrl } from "./request-key.ts";
import { notice, type Route } from "./route.ts";
import { isAnswered, markServed } from "./served.ts";
import type { StoredResponse } from "./stored-response.ts";
import { matches, selectVariant } from "./variants.ts";

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

/** How often a request looks again after what it waited for was invalidated. */
const ATTEMPTS_MAX = 3;

export function serve(engine: Engine, route: Route, incoming: Incoming, attempts = 0): void {
  const { req } = incoming;
  if (req.method !== "GET" && req.method !== "HEAD") {
    incoming.next();
    return;
  }
  if (route.name === "") route.name = incoming.adapter.name(req);
  const { policy } = route;
  const facts = readFacts(req);
  const because = bypassReason(facts, policy) ?? whenReason(route, req);
  if (because !== undefined) {
    bypass(engine, route, incoming, because);
    return;
  }
  const url = keyedUrl(policy, req);
  if (url === undefined) {
    bypass(engine, route, incoming, "query");
    return;
  }
  const key = engine.keys.of(req, url, policy, route.name);
  if (typeof key !== "string") {
    bypass(engine, route, incoming, key.bypass);
    return;
  }
  const stale = answerFromCache(engine, route, { incoming, facts, key, url });
  if (stale === ANSWERED) return;
  miss(engine, route, { incoming, facts: { ...facts }, key, url, stale, attempts });
}

const ANSWERED = Symbol("answered");

interface Lookup {
  readonly incoming: Incoming;
  readonly facts: RequestFacts;
  readonly key: EntryKey;
  readonly url: string;
}

/** Answers if it can; otherwise the stale response there is, if any. */
function answerFromCache(
  engine: Engine,
  route: Route,
  lookup: Lookup,
): StoredResponse | undefined | typeof ANSWERED {
  const { req } = lookup.incoming;
  const entry = engine.cache.entry(lookup.key);
  const stored = entry === undefined ? undefined : selectVariant(entry.value, req);
  if (entry === undefined || stored === undefined) return answerMaxStale(engine, route, lookup);
  const nowMs = engine.cache.nowMs();
  if (!entry.expired && nowMs < stored.freshUntilMs && nowMs < entry.freshUntilMs) {
    route.hits += 1;
    engine.counters.hits += 1;
    send(engine, lookup, stored, INLINE_HIT);
    return ANSWERED;
  }
  return answerStale(engine, route, lookup, { stored, entryFreshUntilMs: entry.freshUntilMs });
}

function answerStale(
  engine: Engine,
  route: Route,
  lookup: Lookup,
  found: { readonly stored: StoredResponse; readonly entryFreshUntilMs: number },
): StoredResponse | typeof ANSWERED {
  const { stored, entryFreshUntilMs } = found;
  if (isRefresh(lookup.incoming.req)) return stored;
  const nowMs = engine.cache.nowMs();
  const paused = nowMs < stored.retryAtMs && mayReplaceError(stored, nowMs);
  const replay = lookup.incoming.adapter.replay(lookup.incoming.req);
  const refreshable = route.refreshable && replay !== undefined;
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
  const entry = engine.cache.entry(maxStaleKey(engine, lookup.key));
  const nowMs = engine.cache.nowMs();
  if (entry === undefined || nowMs >= entry.freshUntilMs) return undefined;
  const stored = selectVariant(entry.value, lookup.incoming.req);
  if (stored === undefined) return undefined;
  route.hits += 1;
  engine.counters.hits += 1;
  send(engine, lookup, stored, MAX_STALE_HIT);
  return ANSWERED;
}

function send(
  engine: Engine,
  lookup: Pick<Lookup, "incoming" | "facts">,
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

interface Miss extends Lookup {
  readonly stale: StoredResponse | undefined;
  readonly attempts: number;
}

function miss(engine: Engine, route: Route, found: Miss): void {
  const { incoming, key, url, facts, stale, attempts } = found;
  const { req, res, next } = incoming;
  const exchange: Exchange = {
    engine,
    route,
    req,
    res,
    next,
    replay: undefined,
    key,
    url,
    facts,
    stale,
    attempts,
  };
  const ticket = takeTicket(req);
  if (ticket !== undefined) {
    const unfit = (): string | undefined => excludeIfTouched(exchange, ticket.copy);
    const flight = engine.flights.start(flightKey(engine, key, req));
    runFill(exchange, { flight, store: true, unfit, onLanded: ticket.onLanded });
    return;
  }
  // HEAD and ranges take what is there and bring nothing that could be shared.
  if (req.method === "HEAD" || facts.range !== undefined) {
    runFill(exchange, { flight: undefined, store: false });
    return;
  }
  const flown = flightKey(engine, key, req);
  if (attempts < ATTEMPTS_MAX && engine.flights.has(flown) && wait(exchange, incoming, flown)) {
    return;
  }
  runFill(exchange, { flight: engine.flights.start(flown), store: true });
}

/** Once the entry tells what its answers vary on, only requests of one variant wait together. */
function flightKey(engine: Engine, key: EntryKey, req: ExtendedRequest): string {
  const varyNames = engine.cache.entry(key)?.value.newest.varyNames;
  if (varyNames === undefined || varyNames.length === 0) return key;
  return `${key}\n${variantKey(varyNames, req.headers)}`;
}

type InContext = (run: () => void) => void;

interface Waiting {
  readonly exchange: Exchange;
  readonly incoming: Incoming;
  readonly inContext: InContext;
}

/** Joins the flight; false if it takes nobody more. */
function wait(exchange: Exchange, incoming: Incoming, flown: string): boolean {
  // Landings run in the leader's context; what follows belongs to this request's own.
  const inContext: InContext = AsyncLocalStorage.snapshot();
  const waiting: Waiting = { exchange, incoming, inContext };
  const land = (landing: Landing): void => inContext(() => landSafely(waiting, landing));
  return exchange.engine.flights.join(flown, land);
}

/** What fails for one of those who wait is that one's error, not the others'. */
function landSafely(waiting: Waiting, landing: Landing): void {
  try {
    afterWait(waiting, landing);
  } catch (error) {
    waiting.exchange.next(error);
  }
}

function afterWait({ exchange, incoming, inContext }: Waiting, landing: Landing): void {
  const { engine, route, res, req, facts, key, stale } = exchange;
  if (isAnswered(res)) return;
  const nowMs = engine.cache.nowMs();
  if (landing.kind === "stored" && matches(landing.stored, req)) {
    engine.counters.collapsed += 1;
    send(engine, { incoming, facts }, landing.stored, COLLAPSED);
    return;
  }
  // Dropped meanwhile, or another variant: by now the entry tells which.
  if (landing.kind === "voided" || landing.kind === "stored") {
    serve(engine, route, incoming, exchange.attempts + 1);
    return;
  }
  if (landing.kind === "failed" && stale !== undefined && mayReplaceError(stale, nowMs)) {
    engine.counters.staleHits += 1;
    send(engine, { incoming, facts }, stale, STALE_IF_ERROR);
    return;
  }
  engine.flights.release(key, (ended) => {
    inContext(() => runReleased(exchange, ended));
  });
}

function runReleased(exchange: Exchange, ended: () => void): void {
  if (isAnswered(exchange.res)) {
    ended();
    return;
  }
  exchange.res.once("close", ended);
  runFill(exchange, { flight: undefined, store: true });
}

function whenReason(route: Route, req: ExtendedRequest): string | undefined {
  const { when } = route.policy;
  return when === undefined || when(req) ? undefined : "when";
}

/** Runs the handler untouched, and says why. Credentials without a scope are reported once. */
function bypass(engine: Engine, route: Route, incoming: Incoming, because: string): void {
  const { res, next } = incoming;
  engine.counters.bypassed += 1;
  res.setHeader("X-Cache", "BYPASS");
  res.setHeader("Cache-Status", formatCacheStatus({ forward: "bypass", detail: because }));
  if (because === "authorization" || because === "cookie") {
    const detail = `a request with ${because} is not cached without scope or shared: true`;
    notice(route, engine.options, "bypassed", detail);
  }
  next();
}
