import type { EntryView, FillToken } from "../../cache/index.ts";
import type { Dependency } from "../../core/trace/index.ts";
import { strongEtag } from "../etag.ts";
import { formatHttpDate } from "../http-date.ts";
import { holds, joined, trackedAs } from "./dependency.ts";
import { lookAt, maxStaleKey, rememberAlias } from "./engine.ts";
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
import { selectingKey } from "./selecting.ts";
import { createRepresentation, type StoredResponse } from "./stored-response.ts";
import type { Tracking } from "./tracking.ts";
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
  readonly tracking: Tracking | undefined;
  readonly startedMs: number;
}

/** Stores the answer unless something it depends on was invalidated since the fill began. */
export async function storeAnswer(exchange: Exchange, answer: FinishedAnswer): Promise<Landing> {
  const { engine, route, key, req, res } = exchange;
  const { tracking, token } = answer;
  const { tags = [] } = route.policy;
  const own = typeof tags === "function" ? tags(req, res) : tags;
  const dependency = tracking?.dependency();
  if (dependency !== undefined && !mayBeKept(exchange, dependency)) {
    engine.counters.refused += 1;
    return { kind: "released" };
  }
  // The next request reads again: whoever waited would otherwise be given what nothing drops.
  if (dependency?.passing === true) return voided(exchange);
  const stored = createStored(exchange, answer, dependency);
  keepForMaxStale(exchange, stored, tracking?.startedMs ?? answer.startedMs);
  if (tracking?.outdated() === true) return voided(exchange);
  const previous = lookAt(engine, key);
  const ownTags = [...own, pathTag(engine.options.name, rawPath(exchange.url))];
  const set = withOlder(exchange, { stored, tags: ownTags }, previous);
  const { freshForMs, staleIfErrorMs, staleWhileRevalidateMs } = stored.freshness;
  // It is stored before this returns: what is read from here on is late.
  const storing = engine.cache.set(key, set.value, {
    token,
    ttlMs: freshForMs,
    graceMs: Math.max(staleIfErrorMs, staleWhileRevalidateMs),
    tags: set.tags,
    dependency: set.dependency,
  });
  tracking?.close(() => dropLate(exchange));
  const outcome = await storing;
  if (outcome.kind === "refused" && outcome.because === "invalidated while loading") {
    return voided(exchange);
  }
  noteStored(exchange, stored);
  // Those who wait came later: without a confirmation they may be owed something newer.
  return holds(dependency) ? { kind: "stored", stored } : { kind: "voided" };
}

function voided({ engine }: Exchange): Landing {
  engine.counters.voided += 1;
  return { kind: "voided" };
}

/** Reports what is not understood of what was read; false if the answer must not be kept. */
function mayBeKept(
  { engine, route }: Exchange,
  { untracked, personal = [], passing = false }: Dependency,
): boolean {
  const fate = route.policy.untracked === "bypass" ? "are not stored" : "live by ttlMs only";
  for (const cause of passing ? [] : untracked) {
    notice(route, engine.options, "untracked", `its answers ${fate}: ${cause}`);
  }
  if (personal.length > 0 && route.policy.scope === undefined) {
    const detail = `what it reads depends on who asks (${personal[0]}): it needs a scope`;
    notice(route, engine.options, "uncacheable", detail);
    return false;
  }
  return untracked.length === 0 || route.policy.untracked !== "bypass";
}

/** More was read after it was stored: nobody knows whether it should have been. */
function dropLate({ engine, route, key }: Exchange): void {
  engine.counters.late += 1;
  const detail = "it reads after its answer has ended; if that does not matter, see untraced()";
  notice(route, engine.options, "untracked", detail);
  void engine.cache.delete(key).catch(() => undefined);
}

function noteStored({ engine, route, key, req }: Exchange, stored: StoredResponse): void {
  route.fills += 1;
  engine.counters.stored += 1;
  if (stored.trackedAs === "untracked") engine.counters.untracked += 1;
  if (route.policy.public === true) rememberAlias(engine, rawUrl(req), key);
  if (engine.writeHot.noteStored(key, stored)) {
    const rate = `${route.fills} fills for ${route.hits} hits`;
    notice(route, engine.options, "write-hot", `entries die unread (${rate}); see maxStaleMs`);
  }
}

function createStored(
  exchange: Exchange,
  answer: FinishedAnswer,
  dependency: Dependency | undefined,
): StoredResponse {
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
    variantKey: selectingKey(verdict.varyNames, req.headers),
    compressible: verdict.compressible && body.length >= engine.options.codingThresholdBytes,
    freshness: verdict.freshness,
    dependency,
    trackedAs: trackedAs(dependency),
    storedAtMs,
    freshUntilMs: Math.min(
      storedAtMs + verdict.freshness.freshForMs,
      dependency?.expiresAtMs ?? Number.POSITIVE_INFINITY,
    ),
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

/** What is stored under a key together, and by which tags it is dropped. */
interface Together {
  readonly value: VariantSet;
  readonly tags: readonly string[];
  readonly dependency: Dependency | undefined;
}

const TAGS_MAX = 60;

/** With the variants that are there already, as far as they are fresh and fit into one entry. */
function withOlder(
  { engine }: Exchange,
  { stored, tags }: { readonly stored: StoredResponse; readonly tags: readonly string[] },
  previous: EntryView<VariantSet> | undefined,
): Together {
  const { dependency } = stored;
  const alone = { value: addVariant(undefined, stored), tags, dependency };
  // An expired variant must not come back as fresh.
  if (previous === undefined || previous.expired) return alone;
  if (engine.cache.nowMs() >= previous.freshUntilMs) return alone;
  const value = addVariant(previous.value, stored, (older) => holds(older.dependency));
  if (value.older.length === 0) return alone;
  // Each variant may have named tags of its own; what it read is in its dependency.
  const named = previous.tags.filter((tag) => !tag.startsWith("sql:"));
  const all = [...new Set([...tags, ...named])];
  if (all.length > TAGS_MAX) return alone;
  if (dependency === undefined) return { value, tags: all, dependency };
  const older = value.older.flatMap((variant) => variant.dependency ?? []);
  const both = joined(dependency, older, engine.options.clock);
  return both === undefined ? alone : { value, tags: all, dependency: both };
}

/** Bounds refills of a key that is written all the time: out of reach of invalidations. */
function keepForMaxStale(exchange: Exchange, stored: StoredResponse, startedMs: number): void {
  const { engine, route, key } = exchange;
  const { maxStaleMs = 0 } = route.policy;
  const leftMs = Math.floor(startedMs + maxStaleMs - engine.cache.nowMs());
  if (leftMs <= 0) return;
  const aside = maxStaleKey(engine, key);
  const set: VariantSet = { newest: stored, older: [] };
  // With a token it is a fill, which other processes need not hear of.
  const token = engine.cache.begin(aside);
  engine.cache.set(aside, set, { token, ttlMs: leftMs, graceMs: 0 }).catch(() => undefined);
}
