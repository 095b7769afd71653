/** What a miss sends: the handler's answer with our fields, a 304 in its place, or a stale one. */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { formatCacheStatus } from "../cache-status.ts";
import { evaluatePreconditions, keptOnNotModified } from "../conditional.ts";
import { etagForCoding, strongEtag } from "../etag.ts";
import { addVary } from "../vary.ts";
import type { Exchange } from "./exchange.ts";
import { type HeaderSnapshot, headerText } from "./header-list.ts";
import { STALE_IF_ERROR, sendStored } from "./hit.ts";
import type { Verdict } from "./judge.ts";
import type { AnyPolicy } from "./route.ts";
import { markServed } from "./served.ts";
import type { StoredResponse } from "./stored-response.ts";

/** The status and header of a handler's answer. */
export interface Head {
  readonly status: number;
  /** As the handler left them, plus what we add. Ours to change. */
  readonly fields: OutgoingHttpHeaders;
  readonly verdict: Verdict;
  /** With what outer middleware added on the way out; only for public routes. */
  sent: HeaderSnapshot | undefined;
}

/** Adds what a miss tells its client. */
export function prepareMiss(
  exchange: Exchange,
  head: Head,
  how: {
    readonly whole: Buffer | undefined;
    readonly unhooked: boolean;
    readonly reads: "tracked" | "untracked" | "passing";
    /** The handler has read what is in no key: its answer will not be kept. */
    readonly unkeyed: boolean;
  },
): void {
  const { res, engine } = exchange;
  const { verdict, status, fields } = head;
  const forward = exchange.stale === undefined ? "uri-miss" : "stale";
  engine.counters.misses += 1;
  res.setHeader("X-Cache", "MISS");
  markServed(res, "MISS");
  if (verdict.kind === "refuse") {
    const detail = verdict.because;
    res.setHeader("Cache-Status", formatCacheStatus({ forward, detail }));
    return;
  }
  const whole = how.whole !== undefined;
  const kept = how.reads === "tracked" || exchange.route.policy.untracked !== "bypass";
  const stored = whole && kept && how.reads !== "passing" && !how.unkeyed;
  const detail = how.unkeyed ? "unkeyed" : how.reads === "tracked" ? undefined : "untracked";
  res.setHeader("Cache-Status", formatCacheStatus({ forward, stored, ...(detail && { detail }) }));
  setClientCacheControl(exchange, fields);
  setVary(exchange, fields, verdict.compressible);
  // With outer hooks on writeHead the tag could end on a body that they code differently.
  if (fields["etag"] === undefined && whole && how.unhooked && status === 200) {
    set(exchange, fields, "ETag", strongEtag(how.whole!));
  }
}

function setClientCacheControl(exchange: Exchange, fields: OutgoingHttpHeaders): void {
  if (fields["cache-control"] !== undefined || fields["expires"] !== undefined) return;
  const { policy } = exchange.route;
  set(exchange, fields, "Cache-Control", clientCacheControl(policy));
}

function setVary(exchange: Exchange, fields: OutgoingHttpHeaders, compressible: boolean): void {
  const before = headerText(fields, "vary");
  let vary = compressible ? addVary(before, "Accept-Encoding") : before;
  for (const name of exchange.route.policy.vary ?? []) vary = addVary(vary, name);
  if (vary !== undefined && vary !== before) set(exchange, fields, "Vary", vary);
}

function set(exchange: Exchange, fields: OutgoingHttpHeaders, name: string, value: string): void {
  exchange.res.setHeader(name, value);
  fields[name.toLowerCase()] = value;
}

/** The handler did not see the condition, so it is evaluated on what it answered. */
export function answerCondition(
  exchange: Exchange,
  head: Head,
  requestFields: IncomingHttpHeaders,
): boolean {
  const { req, res, engine, facts } = exchange;
  if (facts.ifNoneMatch === undefined && facts.ifModifiedSince === undefined) return false;
  if (head.status !== 200 || res.headersSent) return false;
  const lastModified = headerText(head.fields, "last-modified");
  const etag = headerText(head.fields, "etag");
  const negotiated = engine.negotiate(facts.acceptEncoding);
  const tags = [etag];
  if (etag !== undefined && negotiated !== "none") tags.push(etagForCoding(etag, negotiated));
  const method = req.method ?? "GET";
  const holds = tags.some(
    (tag) =>
      evaluatePreconditions(method, requestFields, { etag: tag, lastModified }) === "not-modified",
  );
  if (!holds) return false;
  for (const name of res.getHeaderNames()) if (!keptOnNotModified(name)) res.removeHeader(name);
  res.writeHead(304);
  res.end();
  return true;
}

/** The handler failed and a stale answer may stand in: the error never reaches the client. */
export function replaceError(
  exchange: Exchange,
  stale: StoredResponse,
  when: { readonly before: HeaderSnapshot; readonly nowMs: number },
): void {
  const { engine, req, res, facts } = exchange;
  const { before, nowMs } = when;
  for (const name of res.getHeaderNames()) {
    const earlier = before[name];
    if (earlier === undefined) res.removeHeader(name);
    else res.setHeader(name, earlier as string);
  }
  res.statusMessage = "";
  stale.retryAtMs = nowMs + engine.options.retryAfterMs;
  engine.counters.staleHits += 1;
  markServed(res, "STALE");
  const rep = engine.codings.choose(stale, engine.negotiate(facts.acceptEncoding));
  sendStored({ req, res, facts, nowMs }, stale, rep, STALE_IF_ERROR);
}

/** What clients are told where the handler says nothing. */
export function clientCacheControl(policy: AnyPolicy): string {
  return policy.clientCacheControl ?? (policy.public === true ? "no-cache" : "private, no-cache");
}
