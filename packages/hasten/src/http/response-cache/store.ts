import type { FillToken } from "../../cache/index.ts";
import { strongEtag } from "../etag.ts";
import { formatHttpDate } from "../http-date.ts";
import { variantKey } from "../vary.ts";
import { maxStaleKey, rememberAlias } from "./engine.ts";
import type { Exchange } from "./exchange.ts";
import type { Landing } from "./flights.ts";
import {
  differingNames,
  type HeaderSnapshot,
  headerText,
  overriddenFields,
  storableFields,
  surroundings,
  varyAdded,
} from "./header-list.ts";
import { pathTag } from "./invalidation.ts";
import type { Verdict } from "./judge.ts";
import { rawPath, rawUrl } from "./request-key.ts";
import { notice } from "./route.ts";
import { createRepresentation, type StoredResponse } from "./stored-response.ts";
import { addVariant, type VariantSet } from "./variants.ts";

/** A complete answer that may be stored. */
export interface FinishedAnswer {
  readonly status: number;
  readonly fields: HeaderSnapshot;
  readonly before: HeaderSnapshot;
  readonly verdict: Verdict & { readonly kind: "store" };
  readonly sent: HeaderSnapshot | undefined;
  readonly body: Buffer;
  readonly token: FillToken;
  readonly startedMs: number;
}

/** Stores the answer unless something it depends on was invalidated since the fill began. */
export async function storeAnswer(exchange: Exchange, answer: FinishedAnswer): Promise<Landing> {
  const { engine, route, key, req, res } = exchange;
  const stored = createStored(exchange, answer);
  const { freshForMs, staleIfErrorMs, staleWhileRevalidateMs } = stored.freshness;
  const graceMs = Math.max(staleIfErrorMs, staleWhileRevalidateMs);
  keepForMaxStale(exchange, stored, answer.startedMs);
  const { tags = [] } = route.policy;
  const own = typeof tags === "function" ? tags(req, res) : tags;
  const outcome = await engine.cache.set(key, addVariant(currentSet(exchange), stored), {
    token: answer.token,
    ttlMs: freshForMs,
    graceMs,
    tags: [...own, pathTag(engine.options.name, rawPath(exchange.url))],
  });
  if (outcome.kind === "refused" && outcome.because === "invalidated while loading") {
    engine.counters.voided += 1;
    return { kind: "voided" };
  }
  route.fills += 1;
  engine.counters.stored += 1;
  if (route.policy.public === true) rememberAlias(engine, rawUrl(req), key);
  if (engine.writeHot.noteStored(key, stored)) {
    const rate = `${route.fills} fills for ${route.hits} hits`;
    notice(route, engine.options, "write-hot", `entries die unread (${rate}); see maxStaleMs`);
  }
  return { kind: "stored", stored };
}

function createStored(exchange: Exchange, answer: FinishedAnswer): StoredResponse {
  const { engine, req, res } = exchange;
  const { fields, before, verdict, body } = answer;
  const etag = headerText(fields, "etag") ?? strongEtag(body);
  const storedAtMs = engine.cache.nowMs();
  const dropped = new Set(verdict.freshness.droppedFields);
  const own = storableFields(fields, res, { before, dropped });
  return {
    status: answer.status,
    fields: withDate(exchange, answer, own),
    overridden: overriddenFields(own, before),
    frontFields: frontFields(exchange, answer, dropped),
    etag,
    lastModified: headerText(fields, "last-modified"),
    vary: varyAdded(fields, before),
    varyNames: verdict.varyNames,
    variantKey: variantKey(verdict.varyNames, req.headers),
    compressible: verdict.compressible && body.length >= engine.options.codingThresholdBytes,
    freshness: verdict.freshness,
    storedAtMs,
    freshUntilMs: storedAtMs + verdict.freshness.freshForMs,
    identity: createRepresentation("identity", body, etag),
    codings: {},
    making: new Set(),
    codedBytes: 0,
    usage: { hits: 0 },
    retryAtMs: 0,
  };
}

/** RFC 9111 §4: Date stays what it was when the answer was made; Age says how long ago that is. */
function withDate(exchange: Exchange, answer: FinishedAnswer, fields: string[]): string[] {
  const date = headerText(answer.fields, "date");
  fields.push("Date", date ?? formatHttpDate(exchange.engine.options.clock.wallMs()));
  if (answer.verdict.coded !== undefined) fields.push("Content-Encoding", answer.verdict.coded);
  return fields;
}

/** The fields of the whole response, if front mode may replay them; notes why it may not. */
function frontFields(
  exchange: Exchange,
  answer: FinishedAnswer,
  dropped: ReadonlySet<string>,
): readonly string[] | undefined {
  const { route, engine } = exchange;
  const { sent, verdict } = answer;
  if (route.policy.public !== true || route.inlineOnly || sent === undefined) return undefined;
  const because = notForFront(exchange, answer, sent);
  if (because !== undefined) {
    route.inlineOnly = true;
    notice(route, engine.options, "inline-only", because);
    return undefined;
  }
  if (verdict.coded !== undefined) return undefined;
  return withDate(exchange, answer, storableFields(sent, exchange.res, { dropped }));
}

function notForFront(
  exchange: Exchange,
  answer: FinishedAnswer,
  sent: HeaderSnapshot,
): string | undefined {
  const { route } = exchange;
  const own = new Set(answer.verdict.varyNames);
  const foreign = answer.verdict.outerVaryNames.find((name) => !own.has(name));
  const keyed = new Set(route.policy.vary?.map((name) => name.toLowerCase()));
  if (foreign !== undefined && !keyed.has(foreign)) return `other middleware varies on ${foreign}`;
  if (keyed.size > 0) return "its key needs request fields";
  const origin = sent["access-control-allow-origin"];
  if (origin !== undefined && origin !== "*") return "it answers one origin only";
  const around = surroundings(sent, answer);
  if (route.surroundings === undefined) {
    route.surroundings = around;
    return undefined;
  }
  if (route.surroundings === around) return undefined;
  return `middleware sets fields that differ between requests: ${differingNames(route.surroundings, around)}`;
}

/** What is there already, unless it was expired: an expired variant must not come back as fresh. */
function currentSet(exchange: Exchange): VariantSet | undefined {
  const { engine, key } = exchange;
  const entry = engine.cache.entry(key);
  if (entry === undefined || entry.expired) return undefined;
  return engine.cache.nowMs() < entry.freshUntilMs ? entry.value : undefined;
}

/** Bounds refills of a key that is written all the time: out of reach of invalidations. */
function keepForMaxStale(exchange: Exchange, stored: StoredResponse, startedMs: number): void {
  const { engine, route, key } = exchange;
  const { maxStaleMs = 0 } = route.policy;
  const leftMs = Math.floor(startedMs + maxStaleMs - engine.cache.nowMs());
  if (leftMs <= 0) return;
  const set: VariantSet = { newest: stored, older: [] };
  engine.cache
    .set(maxStaleKey(engine, key), set, { ttlMs: leftMs, graceMs: 0 })
    .catch(() => undefined);
}
