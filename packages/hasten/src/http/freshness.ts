/**
 * Whether a shared cache may store a response, and for how long it stays fresh (RFC 9111 §3, §4.2).
 * Pure: header fields and times in, an outcome out.
 *
 * Invariants:
 * - `no-store`, `private`, a non-shareable credential, `Set-Cookie`, `Vary: *` and partial content
 *   are refused whatever the route's policy says.
 * - The policy's TTL shortens explicit freshness; it extends it only with `override`.
 */

import type { Qualified, ResponseDirectives } from "./cache-control.ts";
import { parseRequestCacheControl, parseResponseCacheControl } from "./cache-control.ts";
import { TARGETED_FIELDS, targetedDirectives } from "./cdn-cache-control.ts";
import { type FieldRecord, fieldValue } from "./field-record.ts";
import { parseHttpDate } from "./http-date.ts";
import { parseVary } from "./vary.ts";

/** What a route says about its responses. All durations in milliseconds. */
export interface FreshnessPolicy {
  /** How long a response without explicit freshness stays fresh, and the most any may. */
  readonly ttlMs?: number | undefined;
  /** Lets `ttlMs` extend what the response says of itself. @default false */
  readonly override?: boolean | undefined;
  /** Used when the response names no `stale-while-revalidate`. @default 0 */
  readonly staleWhileRevalidateMs?: number | undefined;
  /** Used when the response names no `stale-if-error`. @default 0 */
  readonly staleIfErrorMs?: number | undefined;
  /** TTL cap of 404 and 410. @default 10_000 */
  readonly notFoundTtlMs?: number | undefined;
  /**
   * The key separates what credentials separate, or the route is declared shared: the
   * Authorization rule of RFC 9111 §3.5 is met. @default false
   */
  readonly identityInKey?: boolean | undefined;
  /** Targeted fields (RFC 9213), most specific first. @default ["cdn-cache-control"] */
  readonly targets?: readonly string[] | undefined;
}

export interface Exchange {
  readonly method: string;
  /** Request fields by lower-case name. */
  readonly requestFields: FieldRecord;
  readonly status: number;
  /** Response fields by lower-case name. */
  readonly responseFields: FieldRecord;
  /** Wall clock when the response was made. */
  readonly nowMs: number;
}

/** How long a stored response may be used, counted from when it was stored. */
export interface Freshness {
  /** Age it had when stored (RFC 9111 §4.2.3). Part of the `Age` to send, not of `freshForMs`. */
  readonly initialAgeMs: number;
  /** Time left from storing until it is stale. May be 0: usable only after validation. */
  readonly freshForMs: number;
  /** Time after that in which it may be served while one refresh runs (RFC 5861 §3). */
  readonly staleWhileRevalidateMs: number;
  /** Time after becoming stale in which it may replace an error (RFC 5861 §4). */
  readonly staleIfErrorMs: number;
  /** Never serve stale (RFC 9111 §5.2.2.2, §5.2.2.8): both windows are 0. */
  readonly mustRevalidate: boolean;
  /** Response fields a shared cache must not keep: `private="x"`, `no-cache="x"`. */
  readonly droppedFields: readonly string[];
}

/** Why a response is not stored. Also the `detail` of Cache-Status. */
export type Refusal =
  | "method"
  | "range"
  | "status"
  | "request-no-store"
  | "no-store"
  | "private"
  | "authorization"
  | "set-cookie"
  | "vary-any"
  | "trailer"
  | "event-stream"
  | "no-freshness";

export type Storability =
  | { readonly kind: "store"; readonly freshness: Freshness }
  | { readonly kind: "refuse"; readonly because: Refusal };

/** Stored without explicit freshness: RFC 9110 §15.1 less 206, 405, 414, 421, 501. */
export const DEFAULT_STATUSES: readonly number[] = [200, 203, 204, 300, 301, 308, 404, 410];

/** Final statuses whose meaning this cache knows (RFC 9111 §3), so explicit freshness counts. */
const UNDERSTOOD_STATUSES = new Set([...DEFAULT_STATUSES, 302, 307, 405, 414, 421, 451, 501]);
const DEFAULT_STATUS_SET = new Set(DEFAULT_STATUSES);
const NOT_FOUND_TTL_MS = 10_000;

/** Decides whether `exchange` may be stored by a shared cache, and its freshness. Never throws. */
export function storability(exchange: Exchange, policy: FreshnessPolicy = {}): Storability {
  const { responseFields: fields } = exchange;
  const targeted = targetedDirectives(fields, policy.targets ?? TARGETED_FIELDS);
  const directives = targeted ?? parseResponseCacheControl(fieldValue(fields, "cache-control"));
  const because =
    refusedByRequest(exchange) ??
    refusedByDirectives(exchange, directives, policy) ??
    refusedByFields(fields);
  if (because !== undefined) return { kind: "refuse", because };
  const explicitMs = explicitLifetimeMs(exchange, directives, targeted !== undefined);
  if (!cacheableStatus(exchange.status, explicitMs, directives)) {
    return { kind: "refuse", because: "status" };
  }
  const lifetimeMs = policyLifetimeMs(exchange.status, explicitMs, policy);
  if (lifetimeMs === undefined) return { kind: "refuse", because: "no-freshness" };
  return { kind: "store", freshness: freshness(exchange, directives, lifetimeMs, policy) };
}

function refusedByRequest(exchange: Exchange): Refusal | undefined {
  // HEAD is answered from GET's entries and makes none of its own.
  if (exchange.method !== "GET") return "method";
  if (exchange.requestFields["range"] !== undefined) return "range";
  const { noStore } = parseRequestCacheControl(fieldValue(exchange.requestFields, "cache-control"));
  return noStore ? "request-no-store" : undefined;
}

function refusedByDirectives(
  exchange: Exchange,
  directives: ResponseDirectives,
  policy: FreshnessPolicy,
): Refusal | undefined {
  // §5.2.2.3: must-understand lifts no-store where the status is understood.
  const lifted = directives.mustUnderstand && UNDERSTOOD_STATUSES.has(exchange.status);
  if (directives.noStore && !lifted) return "no-store";
  if (directives.mustUnderstand && !lifted) return "status";
  if (directives.private === "all") return "private";
  const credentialed = exchange.requestFields["authorization"] !== undefined;
  if (!credentialed || policy.identityInKey === true) return undefined;
  // §3.5: the three directives that let a shared cache reuse an authenticated response.
  const shareable =
    directives.public || directives.mustRevalidate || directives.sMaxAgeSeconds !== undefined;
  return shareable ? undefined : "authorization";
}

function refusedByFields(fields: FieldRecord): Refusal | undefined {
  if (fields["set-cookie"] !== undefined) return "set-cookie";
  if (fields["content-range"] !== undefined) return "range";
  if (fields["trailer"] !== undefined) return "trailer";
  if (parseVary(fieldValue(fields, "vary")).kind === "any") return "vary-any";
  const type = fieldValue(fields, "content-type")?.trim().toLowerCase();
  return type?.startsWith("text/event-stream") ? "event-stream" : undefined;
}

/** §4.2.1: s-maxage, then max-age, then Expires minus Date. Undefined when there is none. */
function explicitLifetimeMs(
  exchange: Exchange,
  directives: ResponseDirectives,
  targeted: boolean,
): number | undefined {
  const seconds = directives.sMaxAgeSeconds ?? directives.maxAgeSeconds;
  if (seconds !== undefined) return seconds * 1000;
  // RFC 9213 §2.2: with a targeted field, Expires is not looked at.
  const expires = targeted ? undefined : fieldValue(exchange.responseFields, "expires");
  if (expires === undefined) return undefined;
  const expiresMs = parseHttpDate(expires, exchange.nowMs);
  // §5.3: an invalid date, especially "0", is in the past.
  return expiresMs === undefined ? 0 : Math.max(0, expiresMs - dateMs(exchange));
}

/** §4.2.3 counts from Date; a missing or broken one is the moment of receipt (RFC 9110 §6.6.1). */
function dateMs(exchange: Exchange): number {
  const date = fieldValue(exchange.responseFields, "date");
  const ms = date === undefined ? undefined : parseHttpDate(date, exchange.nowMs);
  return ms ?? exchange.nowMs;
}

function cacheableStatus(
  status: number,
  explicitMs: number | undefined,
  directives: ResponseDirectives,
): boolean {
  if (DEFAULT_STATUS_SET.has(status)) return true;
  return UNDERSTOOD_STATUSES.has(status) && (explicitMs !== undefined || directives.public);
}

function policyLifetimeMs(
  status: number,
  explicitMs: number | undefined,
  policy: FreshnessPolicy,
): number | undefined {
  const { ttlMs, override = false, notFoundTtlMs = NOT_FOUND_TTL_MS } = policy;
  if (ttlMs === undefined) return explicitMs;
  const cappedMs = status === 404 || status === 410 ? Math.min(ttlMs, notFoundTtlMs) : ttlMs;
  if (explicitMs === undefined || override) return cappedMs;
  return Math.min(explicitMs, cappedMs);
}

function freshness(
  exchange: Exchange,
  directives: ResponseDirectives,
  lifetimeMs: number,
  policy: FreshnessPolicy,
): Freshness {
  const initialAgeMs = initialAge(exchange);
  const { noCache, staleWhileRevalidateSeconds, staleIfErrorSeconds } = directives;
  const strict = directives.mustRevalidate || directives.proxyRevalidate || noCache === "all";
  // §5.2.2.10: s-maxage implies proxy-revalidate. Windows the response itself names still count.
  const ownOnly = directives.sMaxAgeSeconds !== undefined && policy.override !== true;
  const window = (seconds: number | undefined, policyMs = 0): number => {
    if (strict) return 0;
    if (seconds !== undefined) return seconds * 1000;
    return ownOnly ? 0 : policyMs;
  };
  return {
    initialAgeMs,
    freshForMs: noCache === "all" ? 0 : Math.max(0, lifetimeMs - initialAgeMs),
    staleWhileRevalidateMs: window(staleWhileRevalidateSeconds, policy.staleWhileRevalidateMs),
    staleIfErrorMs: window(staleIfErrorSeconds, policy.staleIfErrorMs),
    mustRevalidate: strict,
    droppedFields: [...named(directives.private), ...named(noCache)],
  };
}

function named(qualified: Qualified): readonly string[] {
  return typeof qualified === "string" ? [] : qualified;
}

/** §4.2.3: the larger of the apparent age and Age. §5.1: an Age that is not a number is ignored. */
function initialAge(exchange: Exchange): number {
  const age = fieldValue(exchange.responseFields, "age");
  // §5.1: of several, the first counts.
  const seconds = age === undefined ? undefined : /^\s*(\d{1,10})\s*(?:,|$)/.exec(age)?.[1];
  // Date has whole seconds: the part of a second since then is not age.
  const apparentMs = Math.max(0, Math.floor((exchange.nowMs - dateMs(exchange)) / 1000) * 1000);
  return Math.max(apparentMs, seconds === undefined ? 0 : Number(seconds) * 1000);
}

export type Use = "fresh" | "stale-while-revalidate" | "stale-if-error" | "unusable";

/** What may be done with a response stored `sinceStoredMs` ago (RFC 9111 §4.2.4, RFC 5861). */
export function usability(freshness: Freshness, sinceStoredMs: number): Use {
  const staleForMs = sinceStoredMs - freshness.freshForMs;
  if (staleForMs < 0) return "fresh";
  if (staleForMs < freshness.staleWhileRevalidateMs) return "stale-while-revalidate";
  return staleForMs < freshness.staleIfErrorMs ? "stale-if-error" : "unusable";
}

/** The `Age` to send: whole seconds (RFC 9111 §5.1). */
export function currentAgeSeconds(freshness: Freshness, sinceStoredMs: number): number {
  return Math.floor(Math.max(0, freshness.initialAgeMs + sinceStoredMs) / 1000);
}
