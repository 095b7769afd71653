/**
 * One request at a cached route: hit, stale, wait for another's answer, or run the handler.
 *
 * Hot path: reads the raw header once, builds one string, looks once in the cache, writes once.
 */

import { formatCacheStatus } from "../cache-status.ts";
import { searchElsewhere } from "./elsewhere.ts";
import { type Engine, lookAt, rememberAlias } from "./engine.ts";
import type { Exchange } from "./exchange.ts";
import { type FillOptions, runFill } from "./fill.ts";
import type { Landing } from "./flights.ts";
import { ANSWERED, answerFrom, answerFromCache, type Incoming, type Lookup } from "./lookup.ts";
import { clientCacheControl } from "./miss-answer.ts";
import type { ExtendedRequest } from "./reads.ts";
import { excludeIfTouched, takeTicket } from "./refresh.ts";
import { readFacts } from "./request-facts.ts";
import { bypassReason, type EntryKey, keyedUrl, rawUrl } from "./request-key.ts";
import { notice, type Route } from "./route.ts";
import { selectingKey } from "./selecting.ts";
import { isAnswered } from "./served.ts";
import type { StoredResponse } from "./stored-response.ts";
import { runInTurn, wait } from "./waiting.ts";

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
    fillUnlessElsewhere(found, exchange, { flight: undefined, store: false });
    return;
  }
  if (isLeftAlone(exchange)) {
    bypass(engine, route, incoming, "write-hot");
    return;
  }
  const flown = flightKey(engine, key, req);
  if (engine.flights.has(flown)) {
    const again = (): void => serve(engine, route, incoming, attempts + 1);
    if (attempts < ATTEMPTS_MAX && wait(exchange, flown, again)) return;
    // What is invalidated all the time cannot be shared: then not all at once.
    if (attempts >= ATTEMPTS_MAX) {
      runInTurn(exchange);
      return;
    }
  }
  fillUnlessElsewhere(found, exchange, { flight: engine.flights.start(flown), store: true });
}

const VOIDED: Landing = { kind: "voided" };

/** Runs the handler, unless another process has its answer. */
function fillUnlessElsewhere(found: Miss, exchange: Exchange, options: FillOptions): void {
  const { engine, route, key, req, res, next } = exchange;
  const { flight } = options;
  let { stale } = exchange;
  const searching = searchElsewhere(engine, {
    key,
    req,
    collapse: options.store && flight !== undefined,
    take(entry) {
      if (isAnswered(res)) return true;
      const answer = answerFrom(engine, route, found, entry);
      if (answer === ANSWERED) rememberPublic(exchange);
      else stale = answer ?? stale;
      return answer === ANSWERED;
    },
  });
  if (searching === undefined) {
    runFill(exchange, options);
    return;
  }
  searching
    .then((end) => {
      if (end.kind === "none" && !isAnswered(res)) {
        runFill({ ...exchange, stale }, { ...options, opened: end.opened });
        return;
      }
      if (end.kind === "none") end.opened?.release();
      // Those who wait find it where it is now.
      flight?.land(VOIDED);
    })
    .catch((error: unknown) => {
      flight?.land(VOIDED);
      next(error);
    });
}

/** Front mode finds it from now on, also under the URL it was asked by. */
function rememberPublic({ engine, route, req, key }: Exchange): void {
  if (route.policy.public === true) rememberAlias(engine, rawUrl(req), key);
}

/** Written before anyone reads it: watching what the handler does would be for nothing. */
function isLeftAlone({ engine, route, key, stale }: Exchange): boolean {
  if (stale !== undefined || (route.policy.maxStaleMs ?? 0) > 0) return false;
  return !engine.writeHot.mayStore(key) && !engine.flights.has(key);
}

/** Once the entry tells what its answers vary on, only requests of one variant wait together. */
function flightKey(engine: Engine, key: EntryKey, req: ExtendedRequest): string {
  const varyNames = lookAt(engine, key)?.value.newest.varyNames;
  if (varyNames === undefined || varyNames.length === 0) return key;
  return `${key}\n${selectingKey(varyNames, req.headers)}`;
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
  if (because === "write-hot" && !res.hasHeader("Cache-Control"))
    res.setHeader("Cache-Control", clientCacheControl(route.policy));
  next();
}
