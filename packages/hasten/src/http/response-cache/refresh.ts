/**
 * Refreshes in the background: the handler runs for a copy of the request, and its answer replaces
 * the stale one.
 *
 * Invariants:
 * - One per key, `refreshesMax` over all keys, `refreshTimeoutMs` each.
 * - A failed one leaves the stale response in use and pauses the key for `retryAfterMs`.
 * - A handler that touched the socket or the body is not run this way again.
 */
import type { ServerResponse } from "node:http";
import { shareRequestTrace } from "../request-trace.ts";
import { type Search, searchElsewhere } from "./elsewhere.ts";
import { isConfirmed } from "./engine.ts";
import type { Exchange, Replay } from "./exchange.ts";
import { type OpenedFill, runFill } from "./fill.ts";
import type { Landing } from "./flights.ts";
import type { ExtendedRequest } from "./reads.ts";
import { notice } from "./route.ts";
import { type Socketless, socketlessExchange } from "./socketless.ts";
import type { StoredResponse } from "./stored-response.ts";
import { selectVariant } from "./variants.ts";

/** Given to the whole application when it runs for a refresh: its cached route picks it up. */
export interface RefreshTicket {
  readonly onLanded: (landing: Landing) => void;
  readonly copy: Socketless;
  used: boolean;
}

const tickets = new WeakMap<ExtendedRequest, RefreshTicket>();

/** True for a request that the cache itself makes: no stale answer will do for it. */
export function isRefresh(req: ExtendedRequest): boolean {
  return tickets.has(req);
}

/** The ticket of such a request, once. */
export function takeTicket(req: ExtendedRequest): RefreshTicket | undefined {
  const ticket = tickets.get(req);
  if (ticket === undefined || ticket.used) return undefined;
  ticket.used = true;
  return ticket;
}

/** Starts a refresh unless one runs, too many run, or the route cannot be refreshed so. */
export function refresh(exchange: Exchange, stale: StoredResponse): void {
  const { engine, route, key, req, replay } = exchange;
  if (replay === undefined || !route.refreshable) return;
  const watch = startWatch(exchange, stale);
  if (watch === undefined) return;
  const begin = (opened: OpenedFill | undefined): void =>
    runCopy(exchange, { replay, watch, opened });
  const searching = searchElsewhere(engine, {
    key,
    req,
    collapse: true,
    take: isFreshFor(exchange),
  });
  if (searching === undefined) begin(undefined);
  else
    searching.then(
      (end) => (end.kind === "none" ? begin(end.opened) : watch(VOIDED)),
      () => watch(FAILED),
    );
}

const VOIDED: Landing = { kind: "voided" };
const FAILED: Landing = { kind: "failed" };

/** Another process has refreshed it: then the next look finds that. */
function isFreshFor({ engine, req }: Pick<Exchange, "engine" | "req">): Search["take"] {
  return (entry) => {
    const stored = selectVariant(entry.value, req);
    if (stored === undefined || entry.expired || !isConfirmed(entry, stored)) return false;
    return engine.cache.nowMs() < Math.min(stored.freshUntilMs, entry.freshUntilMs);
  };
}

interface CopyRun {
  readonly replay: Replay;
  readonly watch: (landing: Landing) => void;
  readonly opened: OpenedFill | undefined;
}

function runCopy(exchange: Exchange, { replay, watch, opened }: CopyRun): void {
  const { engine, key } = exchange;
  const copy = socketlessExchange(exchange.req, true);
  const { req, res } = copy;
  // What middleware attached to the request was read in its trace.
  shareRequestTrace(exchange.req, req);
  const fail = (): void => landFailed(res);
  runFill(
    {
      ...exchange,
      req,
      res,
      facts: { ...exchange.facts, ifNoneMatch: undefined, ifModifiedSince: undefined },
      stale: undefined,
      next: (error) => (error === undefined ? replay(req, res, fail) : fail()),
    },
    {
      opened,
      flight: engine.flights.start(key),
      store: true,
      unfit: () => excludeIfTouched(exchange, copy),
      onLanded: watch,
    },
  );
}

/** Refreshes through the whole application: what front mode does. */
export function refreshThroughApp(
  exchange: Omit<Exchange, "route" | "replay" | "next">,
  stale: StoredResponse,
  app: Replay,
): void {
  const watch = startWatch(exchange, stale);
  if (watch === undefined) return;
  const begin = (): void => {
    const copy = socketlessExchange(exchange.req, false);
    const { req, res } = copy;
    tickets.set(req, { onLanded: watch, copy, used: false });
    res.once("close", () => watch({ kind: "released" }));
    app(req, res, () => watch({ kind: "failed" }));
  };
  const { engine, key, req } = exchange;
  const search = { key, req, collapse: false, take: isFreshFor(exchange) };
  const searching = searchElsewhere(engine, search);
  if (searching === undefined) begin();
  else
    searching.then(
      ({ kind }) => (kind === "none" ? begin() : watch(VOIDED)),
      () => watch(FAILED),
    );
}

/** Accounts for one refresh; the function it returns ends it, once. */
function startWatch(
  exchange: Pick<Exchange, "engine" | "key"> & { route?: Exchange["route"] },
  stale: StoredResponse,
): ((landing: Landing) => void) | undefined {
  const { engine, key } = exchange;
  const { refreshing, options, counters } = engine;
  if (refreshing.has(key) || refreshing.size >= options.refreshesMax) return undefined;
  refreshing.add(key);
  counters.refreshes += 1;
  let ended = false;
  const end = (landing: Landing): void => {
    if (ended) return;
    ended = true;
    timer.cancel();
    refreshing.delete(key);
    if (landing.kind === "stored" || landing.kind === "voided") return;
    counters.refreshesFailed += 1;
    stale.retryAtMs = engine.cache.nowMs() + options.retryAfterMs;
  };
  const timer = options.clock.schedule(options.refreshTimeoutMs, () => end({ kind: "failed" }));
  return end;
}

function landFailed(res: ServerResponse): void {
  if (res.headersSent) return;
  // Ends the recording as the failure it is.
  res.statusCode = 500;
  res.end();
}

/** Says why an answer made this way must not be stored, and does not make another. */
export function excludeIfTouched(exchange: Exchange, copy: Socketless): string | undefined {
  const { touched } = copy;
  if (touched === undefined) return undefined;
  exchange.route.refreshable = false;
  const detail = `its handler touches ${touched}: its next visitor refreshes it`;
  notice(exchange.route, exchange.engine.options, "not-refreshable", detail);
  return touched;
}
