/**
 * Answers public routes before the application exists in the stack.
 *
 * Invariants:
 * - Only entries that a route with `public: true` filled are served, by their raw URL.
 * - Everything else, and everything in doubt, also what sources of changes do not confirm, goes to the application unchanged.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { channels } from "../../core/channels.ts";
import type { TimedRequest } from "../request-timing.ts";
import { type Engine, isConfirmed, lookAt } from "./engine.ts";
import { mayServeWhileRefreshing } from "./exchange.ts";
import { FRONT_STALE, freshUses, sendStored, type Use } from "./hit.ts";
import { refreshThroughApp } from "./refresh.ts";
import { readFacts } from "./request-facts.ts";
import type { EntryKey } from "./request-key.ts";
import type { StoredResponse } from "./stored-response.ts";
import { selectVariant } from "./variants.ts";

export interface FrontOptions {
  /** False sends a request to the application: a rate limit, for example. Keep it synchronous. */
  readonly admit?: (req: IncomingMessage) => boolean;
}

/** Wraps an application's listener. */
export function createFront(
  engine: Engine,
  app: RequestListener,
  options: FrontOptions,
): RequestListener {
  const { admit } = options;
  return function front(req, res): void {
    if (req.method !== "GET" && req.method !== "HEAD") {
      app(req, res);
      return;
    }
    const found = lookUp(engine, req);
    if (found === undefined || (admit !== undefined && !admit(req))) {
      app(req, res);
      return;
    }
    if (!answer(engine, app, { req, res }, found)) app(req, res);
  };
}

interface Found {
  readonly key: EntryKey;
  readonly stored: StoredResponse;
  readonly fresh: boolean;
  readonly entryFreshUntilMs: number;
}

function lookUp(engine: Engine, req: IncomingMessage): Found | undefined {
  const url = req.url ?? "/";
  let key = engine.keys.front(url);
  let entry = lookAt(engine, key);
  if (entry === undefined) {
    const alias = engine.aliases.get(url);
    if (alias === undefined) return undefined;
    key = alias;
    entry = lookAt(engine, key);
    if (entry === undefined) return undefined;
  }
  const stored = selectVariant(entry.value, req);
  if (stored?.frontFields === undefined) return undefined;
  // What a silent source does not confirm may only replace an error, and errors come from the app.
  if (!isConfirmed(entry, stored)) return undefined;
  const nowMs = engine.cache.nowMs();
  const fresh = !entry.expired && nowMs < stored.freshUntilMs && nowMs < entry.freshUntilMs;
  return { key, stored, fresh, entryFreshUntilMs: entry.freshUntilMs };
}

interface Pair {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

function answer(engine: Engine, app: RequestListener, pair: Pair, found: Found): boolean {
  const facts = readFacts(pair.req);
  if (facts.unusual !== undefined) return false;
  const nowMs = engine.cache.nowMs();
  const { stored, fresh } = found;
  if (!fresh && !mayBeStale(found, nowMs)) return false;
  engine.counters.frontHits += 1;
  stored.usage.hits += 1;
  const negotiated = facts.noCompression ? "identity" : engine.negotiate(facts.acceptEncoding);
  const rep = engine.codings.choose(stored, negotiated);
  const use: Use = fresh ? freshUses(stored.trackedAs).front : FRONT_STALE;
  if (channels.httpRequest.hasSubscribers) publish(pair, use);
  sendStored({ ...pair, facts, nowMs }, stored, rep, use);
  engine.codings.noteHit(stored);
  if (!fresh) refreshFront(engine, app, pair, found);
  return true;
}

function mayBeStale({ stored, entryFreshUntilMs }: Found, nowMs: number): boolean {
  if (nowMs < stored.retryAtMs) return false;
  return mayServeWhileRefreshing(stored, entryFreshUntilMs, nowMs);
}

function refreshFront(engine: Engine, app: RequestListener, pair: Pair, found: Found): void {
  const { key, stored } = found;
  const facts = { ...readFacts(pair.req) };
  const url = pair.req.url ?? "/";
  const exchange = { engine, ...pair, key, url, facts, stale: stored, attempts: 0 };
  refreshThroughApp(exchange, stored, (req, res) => app(req, res));
}

/** Front hits never reach the timing middleware, so they report themselves. */
function publish({ req, res }: Pair, use: Use): void {
  const startedMs = performance.now();
  const startedAtMs = Date.now();
  res.once("close", () => {
    const request: TimedRequest = {
      method: req.method ?? "GET",
      route: "front",
      status: res.statusCode,
      durationMs: performance.now() - startedMs,
      databaseMs: 0,
      databaseOperations: 0,
      databaseWaitMs: 0,
      cacheMs: 0,
      cacheHits: use.mark === "HIT" ? 1 : 0,
      cacheMisses: 0,
      operations: [],
      memoryBytes: undefined,
      startedAtMs,
    };
    channels.httpRequest.publish(request);
  });
}
