import type { ServerResponse } from "node:http";
import { unconfirmedForMs } from "./dependency.ts";
import type { Engine } from "./engine.ts";
import type { ExtendedRequest } from "./reads.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { EntryKey } from "./request-key.ts";
import type { Route } from "./route.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Continues to the handler; with an error where the framework has error handling. */
export type Next = (error?: unknown) => void;

/**
 * Runs the same handler again for a copy of a request and a response without a socket.
 * `failed` is called when it throws or passes an error on.
 */
export type Replay = (
  req: ExtendedRequest,
  res: ServerResponse,
  failed: (error: unknown) => void,
) => void;

/** One request on its way past the cache to its handler. */
export interface Exchange {
  readonly engine: Engine;
  readonly route: Route;
  readonly req: ExtendedRequest;
  readonly res: ServerResponse;
  readonly next: Next;
  readonly replay: Replay | undefined;
  readonly key: EntryKey;
  readonly url: string;
  readonly facts: RequestFacts;
  /** A stored response that is no longer fresh. */
  readonly stale: StoredResponse | undefined;
  /** How often it looked, since what it waited for was invalidated. */
  attempts: number;
}

/**
 * Whether a stale response may stand in for an error now (RFC 5861 §4). What its sources do not
 * confirm counts as stale from when they fell silent.
 */
export function mayReplaceError(engine: Engine, stored: StoredResponse): boolean {
  const { staleIfErrorMs } = stored.freshness;
  if (engine.cache.nowMs() >= stored.freshUntilMs + staleIfErrorMs) return false;
  const silentMs = unconfirmedForMs(stored.dependency, engine.options.clock);
  return silentMs === 0 || silentMs < staleIfErrorMs;
}

/** Whether it may be served while a refresh runs (RFC 5861 §3). `expire` ends an entry's freshness early. */
export function mayServeWhileRefreshing(
  stored: StoredResponse,
  entryFreshUntilMs: number,
  nowMs: number,
): boolean {
  const freshUntilMs = Math.min(stored.freshUntilMs, entryFreshUntilMs);
  return nowMs < freshUntilMs + stored.freshness.staleWhileRevalidateMs;
}
