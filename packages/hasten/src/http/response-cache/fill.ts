/**
 * Runs a handler, passes its answer on as it comes, and stores what may be stored.
 *
 * Invariants:
 * - The fill token and, in a cache that tracks, the handler's trace are opened before the handler
 *   runs: an invalidation after that voids the fill.
 * - Nothing is stored before what the handler began to read has ended.
 * - The flight lands exactly once, whatever the handler and the client do.
 * - The client's connection closing does not end a fill whose handler is still at work.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { FillToken } from "../../cache/index.ts";
import type { Timer } from "../../core/clock.ts";
import type { Engine } from "./engine.ts";
import { type Exchange, mayReplaceError } from "./exchange.ts";
import type { Flight, Landing } from "./flights.ts";
import { type HeaderSnapshot, headerText } from "./header-list.ts";
import { isUnhooked } from "./hit.ts";
import { judge, type Verdict } from "./judge.ts";
import { answerCondition, type Head, prepareMiss, replaceError } from "./miss-answer.ts";
import { type Reads, uncoveredRead, watchReads } from "./reads.ts";
import { type Recorder, recordResponse } from "./recorder.ts";
import { coveredReads, notice } from "./route.ts";
import { storeAnswer } from "./store.ts";
import { type Tracking, track } from "./tracking.ts";

/** Opened before the handler runs, so that what is invalidated from then on voids the fill. */
export interface OpenedFill {
  readonly token: FillToken;
  /** What the handler reads, in a cache that tracks. */
  readonly tracking: Tracking | undefined;
  /** Says that nothing will be stored. May be called again. */
  release(): void;
}

export interface FillOptions {
  /** Opened already, since other processes wait for it. */
  readonly opened?: OpenedFill | undefined;
  readonly flight: Flight | undefined;
  /** False for HEAD and ranges: only errors are looked at. */
  readonly store: boolean;
  /** Says, at the end, why the answer must not be stored after all. */
  readonly unfit?: () => string | undefined;
  /** Told once how it ended. */
  readonly onLanded?: (landing: Landing) => void;
}

/** One fill in progress. */
interface Fill extends Pick<OpenedFill, "token" | "tracking"> {
  readonly exchange: Exchange;
  readonly options: FillOptions;
  readonly before: HeaderSnapshot;
  readonly unhooked: boolean;
  readonly requestFields: IncomingHttpHeaders;
  readonly reads: Reads;
  readonly startedMs: number;
  recorder: Recorder | undefined;
  head: Head | undefined;
  landed: boolean;
  abandon: Timer | undefined;
}

export function openFill(
  engine: Engine,
  { key, req }: Pick<Exchange, "key" | "req">,
  store: boolean,
): OpenedFill {
  const tracking = engine.options.tracked && store ? track(engine, req) : undefined;
  const token = engine.cache.begin(key, { trace: tracking?.trace });
  return {
    token,
    tracking,
    release() {
      token.release();
      tracking?.release();
    },
  };
}

export function runFill(exchange: Exchange, options: FillOptions): void {
  const { engine, req, res } = exchange;
  const { token, tracking } = options.opened ?? openFill(engine, exchange, options.store);
  const fill: Fill = {
    exchange,
    options,
    token,
    tracking,
    before: res.getHeaders(),
    unhooked: isUnhooked(res),
    requestFields: req.headers,
    reads: watchReads(req, { hideConditions: true, originalUrl: handlerUrl(exchange) }),
    startedMs: engine.cache.nowMs(),
    recorder: undefined,
    head: undefined,
    landed: false,
    abandon: undefined,
  };
  fill.recorder = recordResponse(res, {
    bytesMax: engine.options.maxEntryBytes,
    onHead: (status, whole) => onHead(fill, status, whole),
    onSent: () => onSent(fill),
    onDrop: () => land(fill, { kind: "released" }),
    onEnd: (body) => onEnd(fill, body),
    onClose: (started) => onClose(fill, started),
    outside: fill.reads.outside,
  });
  if (tracking === undefined) exchange.next();
  else tracking.run(() => exchange.next());
}

/** Parameters that are not in the key are kept from the handler under every name. */
function handlerUrl({ route, url }: Exchange): string | undefined {
  return route.policy.query === undefined ? undefined : url;
}

function onHead(fill: Fill, status: number, whole: Buffer | undefined): "send" | "replaced" {
  const { exchange, before, requestFields, unhooked } = fill;
  const { engine, res, stale } = exchange;
  if (status >= 500 && stale !== undefined && mayReplaceError(engine, stale)) {
    refuse(fill, { kind: "failed" });
    replaceError(exchange, stale, { before, nowMs: engine.cache.nowMs() });
    return "replaced";
  }
  const fields = res.getHeaders();
  const head: Head = { status, fields, verdict: verdictOf(fill, status, fields), sent: undefined };
  fill.head = head;
  const reads = fill.tracking?.soFar() ?? "tracked";
  const unkeyed = unkeyedRead(fill, head) !== undefined;
  prepareMiss(exchange, head, { whole, unhooked, reads, unkeyed });
  if (head.verdict.kind === "refuse") {
    engine.counters.refused += 1;
    // The source has spoken, and not with an error: what it said before is no longer its answer.
    if (isRefresh(fill) && status < 500) void engine.cache.delete(exchange.key).catch(ignore);
    refuse(fill, { kind: status >= 500 ? "failed" : "released" });
  }
  return answerCondition(exchange, head, requestFields) ? "replaced" : "send";
}

function verdictOf(fill: Fill, status: number, fields: HeaderSnapshot): Verdict {
  const { exchange, options, before, requestFields } = fill;
  const { engine, route, key, req } = exchange;
  if (!options.store) return { kind: "refuse", because: req.method === "HEAD" ? "head" : "range" };
  if (!engine.writeHot.mayStore(key)) return { kind: "refuse", because: "write-hot" };
  const wallMs = engine.options.clock.wallMs();
  return judge({ status, fields, before, requestFields, wallMs }, route.policy, route.freshness);
}

function isRefresh({ options }: Fill): boolean {
  return options.onLanded !== undefined;
}

function ignore(): void {}

function onSent({ exchange, head }: Fill): void {
  const { route, res } = exchange;
  if (head === undefined || route.policy.public !== true || route.inlineOnly) return;
  head.sent = res.getHeaders();
}

function onEnd(fill: Fill, body: Buffer | undefined): void {
  fill.reads.stop();
  const { head, exchange } = fill;
  if (fill.landed) return;
  const because = unstorable(fill, body);
  if (because !== undefined || head?.verdict.kind !== "store" || body === undefined) {
    exchange.engine.counters.refused += 1;
    land(fill, { kind: "released" });
    return;
  }
  const { verdict } = head;
  // What is still under way has been read too: it may tell more of what the answer depends on.
  const settled = fill.tracking?.settled();
  if (settled === undefined) keep(fill, { ...head, verdict }, body);
  else void settled.then(() => keep(fill, { ...head, verdict }, body));
}

function keep(
  fill: Fill,
  head: Head & { verdict: Verdict & { kind: "store" } },
  body: Buffer,
): void {
  const { exchange, before, token, startedMs, tracking } = fill;
  const { status, fields, verdict, sent } = head;
  if (fill.landed) return;
  const answer = { status, fields, before, verdict, sent, body, token, tracking, startedMs };
  storeAnswer(exchange, answer).then(
    (landing) => land(fill, landing),
    (error) => {
      const detail = `it could not be stored: ${String(error)}`;
      notice(exchange.route, exchange.engine.options, "uncacheable", detail);
      land(fill, { kind: "released" });
    },
  );
}

/** What only the end tells: inputs outside the key, half a body, a refresh that was no copy. */
function unstorable(fill: Fill, body: Buffer | undefined): string | undefined {
  const { exchange, head, options } = fill;
  if (head === undefined || body === undefined) return "dropped";
  const { route, engine } = exchange;
  const name = unkeyedRead(fill, head);
  if (name !== undefined) {
    const detail = `its handler reads ${name}, which is not in its key`;
    notice(route, engine.options, "uncacheable", detail);
    return name;
  }
  // RFC 9112 §8: a body shorter than it promised is half an answer.
  const length = headerText(head.fields, "content-length");
  if (length !== undefined && Number(length) !== body.length) return "short";
  return options.unfit?.();
}

function unkeyedRead({ exchange, reads }: Fill, { verdict }: Head): string | undefined {
  if (reads.names.size === 0) return undefined;
  const varied = verdict.kind === "store" ? verdict.varyNames : [];
  return uncoveredRead(reads.names, coveredReads(exchange.route, exchange.req, varied));
}

function onClose(fill: Fill, started: boolean): void {
  const { engine } = fill.exchange;
  // Half a body will not become whole. A handler that has not begun may still bring one.
  if (started) {
    refuse(fill, { kind: "released" });
    return;
  }
  const { clock, refreshTimeoutMs } = engine.options;
  fill.abandon = clock.schedule(refreshTimeoutMs, () => refuse(fill, { kind: "released" }));
}

function refuse(fill: Fill, landing: Landing): void {
  fill.recorder?.drop();
  land(fill, landing);
}

function land(fill: Fill, landing: Landing): void {
  if (fill.landed) return;
  fill.landed = true;
  fill.abandon?.cancel();
  fill.token.release();
  fill.tracking?.release();
  fill.options.flight?.land(landing);
  fill.options.onLanded?.(landing);
}
