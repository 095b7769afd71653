/**
 * Runs a handler, passes its answer on as it comes, and stores what may be stored.
 *
 * Invariants:
 * - The fill token is opened before the handler runs: an invalidation after that voids the fill.
 * - The flight lands exactly once, whatever the handler and the client do.
 * - The client's connection closing does not end a fill whose handler is still at work.
 */
import type { Timer } from "../../core/clock.ts";
import { formatCacheStatus } from "../cache-status.ts";
import { evaluatePreconditions, keptOnNotModified } from "../conditional.ts";
import { etagForCoding, strongEtag } from "../etag.ts";
import { addVary } from "../vary.ts";
import { type Exchange, mayReplaceError } from "./exchange.ts";
import type { Flight, Landing } from "./flights.ts";
import { type HeaderList, type HeaderSnapshot, headerText, listHeaders } from "./header-list.ts";
import { isPlain, STALE_IF_ERROR, sendStored } from "./hit.ts";
import { judge, type Verdict } from "./judge.ts";
import { type Reads, uncoveredRead, watchReads } from "./reads.ts";
import { recordResponse } from "./recorder.ts";
import { coveredReads, notice } from "./route.ts";
import { storeAnswer } from "./store.ts";

export interface FillOptions {
  readonly flight: Flight | undefined;
  /** False for HEAD and ranges: only errors are looked at. */
  readonly store: boolean;
  /** Says, at the end, why the answer must not be stored after all. */
  readonly unfit?: () => string | undefined;
  /** Told once how it ended. */
  readonly onLanded?: (landing: Landing) => void;
}

/** What the header phase found out, for the end. */
interface Head {
  status: number;
  list: HeaderList;
  verdict: Verdict;
  /** The header with what outer middleware added on the way out. */
  sent: HeaderList | undefined;
  etag: string | undefined;
}

export function runFill(exchange: Exchange, options: FillOptions): void {
  const { engine, route, req, res } = exchange;
  const token = engine.cache.begin(exchange.key);
  const before: HeaderSnapshot = res.getHeaders();
  const plain = isPlain(res);
  const requestFields = req.headers;
  const covered = coveredReads(route, req);
  const reads: Reads = watchReads(req, { hideConditions: true });
  const startedMs = engine.cache.nowMs();
  let head: Head | undefined;
  let landed = false;
  let abandon: Timer | undefined;

  const land = (landing: Landing): void => {
    if (landed) return;
    landed = true;
    abandon?.cancel();
    token.release();
    options.flight?.land(landing);
    options.onLanded?.(landing);
  };
  const refuse = (because: string): void => {
    if (landed) return;
    engine.counters.refused += 1;
    land(because === "failed" ? { kind: "failed" } : { kind: "released" });
  };

  const recorder = recordResponse(res, {
    bytesMax: engine.options.maxEntryBytes,
    onHead(status, whole) {
      const nowMs = engine.cache.nowMs();
      if (status >= 500 && exchange.stale !== undefined && mayReplaceError(exchange.stale, nowMs)) {
        replaceError(exchange, before, nowMs);
        recorder.drop();
        refuse("failed");
        return "replaced";
      }
      const list = listHeaders(res);
      const wallMs = engine.options.clock.wallMs();
      const verdict = verdictOf(exchange, options, { status, list, before, requestFields, wallMs });
      head = { status, list, verdict, sent: undefined, etag: headerText(list, "etag") };
      prepareHeader(exchange, head, { whole, plain });
      if (verdict.kind === "refuse") {
        recorder.drop();
        refuse(status >= 500 ? "failed" : verdict.because);
      }
      return answerCondition(exchange, head, requestFields) ? "replaced" : "send";
    },
    onSent() {
      if (head !== undefined && route.policy.public === true && !route.inlineOnly) {
        head.sent = listHeaders(res);
      }
    },
    onDrop: refuse,
    onEnd(body) {
      reads.stop();
      if (head === undefined || body === undefined || landed) {
        refuse("dropped");
        return;
      }
      if (head.verdict.kind === "refuse") {
        refuse(head.verdict.because);
        return;
      }
      const uncovered = uncoveredRead(reads.names, covered);
      if (uncovered !== undefined) {
        notice(
          route,
          engine.options,
          "uncacheable",
          `its handler reads ${uncovered}, which is not in its key`,
        );
        refuse(uncovered);
        return;
      }
      const unfit = options.unfit?.() ?? (isShort(head.list, body) ? "short" : undefined);
      if (unfit !== undefined) {
        refuse(unfit);
        return;
      }
      const { status, list, verdict, sent, etag } = head;
      storeAnswer(exchange, {
        status,
        list,
        before,
        verdict,
        sent,
        etag,
        body,
        token,
        startedMs,
      }).then(land, () => refuse("failed"));
    },
    onClose(started) {
      // Half a body will not become whole. A handler that has not begun may still bring one.
      if (started) refuse("aborted");
      else
        abandon = engine.options.clock.schedule(engine.options.refreshTimeoutMs, () =>
          refuse("abandoned"),
        );
    },
  });
  exchange.next();
}

function verdictOf(
  exchange: Exchange,
  options: FillOptions,
  answer: Parameters<typeof judge>[0],
): Verdict {
  const { engine, route, key } = exchange;
  if (!options.store)
    return { kind: "refuse", because: exchange.req.method === "HEAD" ? "head" : "range" };
  if (!engine.writeHot.mayStore(key)) return { kind: "refuse", because: "write-hot" };
  return judge(answer, route.policy, route.freshness);
}

/** What a miss tells its client. */
function prepareHeader(
  exchange: Exchange,
  head: Head,
  how: { readonly whole: Buffer | undefined; readonly plain: boolean },
): void {
  const { res, route, engine } = exchange;
  const { verdict } = head;
  if (verdict.kind === "refuse") {
    res.setHeader("X-Cache", "MISS");
    const detail = verdict.because;
    res.setHeader("Cache-Status", formatCacheStatus({ forward: forwardOf(exchange), detail }));
    return;
  }
  engine.counters.misses += 1;
  res.setHeader("X-Cache", "MISS");
  const stored = how.whole !== undefined;
  res.setHeader("Cache-Status", formatCacheStatus({ forward: forwardOf(exchange), stored }));
  if (!res.hasHeader("Cache-Control") && !res.hasHeader("Expires")) {
    const fallback = route.policy.public === true ? "no-cache" : "private, no-cache";
    res.setHeader("Cache-Control", route.policy.clientCacheControl ?? fallback);
  }
  addVaryNames(exchange, verdict);
  if (head.etag === undefined && how.whole !== undefined && how.plain && head.status === 200) {
    head.etag = strongEtag(how.whole);
    res.setHeader("ETag", head.etag);
  }
  head.list = listHeaders(res);
}

function forwardOf(exchange: Exchange): "stale" | "uri-miss" {
  return exchange.stale === undefined ? "uri-miss" : "stale";
}

function addVaryNames(exchange: Exchange, verdict: Verdict & { kind: "store" }): void {
  const { res, route } = exchange;
  let vary = res.hasHeader("Vary") ? String(res.getHeader("Vary")) : undefined;
  if (verdict.compressible) vary = addVary(vary, "Accept-Encoding");
  for (const name of route.policy.vary ?? []) vary = addVary(vary, name);
  if (vary !== undefined) res.setHeader("Vary", vary);
}

/** The handler did not see the condition, so it is evaluated on what it answered. */
function answerCondition(
  exchange: Exchange,
  head: Head,
  requestFields: Exchange["req"]["headers"],
): boolean {
  const { req, res, engine, facts } = exchange;
  if (head.status !== 200 || res.headersSent) return false;
  if (facts.ifNoneMatch === undefined && facts.ifModifiedSince === undefined) return false;
  const lastModified = headerText(head.list, "last-modified");
  const negotiated = engine.negotiate(facts.acceptEncoding);
  const coding = negotiated === "none" ? "identity" : negotiated;
  const coded = head.etag === undefined ? undefined : etagForCoding(head.etag, coding);
  const method = req.method ?? "GET";
  const holds = [head.etag, coded].some(
    (etag) =>
      evaluatePreconditions(method, requestFields, { etag, lastModified }) === "not-modified",
  );
  if (!holds) return false;
  for (const name of res.getHeaderNames()) if (!keptOnNotModified(name)) res.removeHeader(name);
  res.writeHead(304);
  res.end();
  return true;
}

/** The handler failed and a stale answer may stand in: the error never reaches the client. */
function replaceError(exchange: Exchange, before: HeaderSnapshot, nowMs: number): void {
  const { engine, req, res, facts } = exchange;
  const stale = exchange.stale!;
  for (const name of res.getHeaderNames()) {
    const earlier = before[name];
    if (earlier === undefined) res.removeHeader(name);
    else res.setHeader(name, earlier as string);
  }
  res.statusMessage = "";
  stale.retryAtMs = nowMs + engine.options.retryAfterMs;
  engine.counters.staleHits += 1;
  const rep = engine.codings.choose(stale, engine.negotiate(facts.acceptEncoding));
  sendStored({ req, res, facts, nowMs }, stale, rep, STALE_IF_ERROR);
}

/** A body shorter than it promised is half an answer (RFC 9112 §8). */
function isShort(list: HeaderList, body: Buffer): boolean {
  const length = headerText(list, "content-length");
  return length !== undefined && Number(length) !== body.length;
}
