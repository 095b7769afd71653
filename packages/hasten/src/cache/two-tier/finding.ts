/**
 * What another process stored, brought into this one.
 *
 * Invariants:
 * - It is kept here only if nothing that it depends on was invalidated here since Redis was asked;
 *   what is invalidated later takes it like everything else that is kept.
 * - It hangs on the sources of changes that it names, by the trust of this process in them. Where one
 *   is unknown here it does not exist here. On the log it hangs since Redis was asked: Redis judged
 *   it by every invalidation up to then.
 * - What cannot be read does not exist, and is counted; nothing that is thrown at it leaves here.
 * - Who asked for it with a tag does not keep it past an invalidation of that tag.
 */
import type { Dependency } from "../../core/trace/index.ts";
import type { Instant, Trust } from "../../core/trust.ts";
import type { Codec } from "../codec.ts";
import type { Entry, Lifetime } from "../entry.ts";
import type { Fill } from "../fill.ts";
import { inMemory } from "../landing.ts";
import { earlyMs } from "../load-options.ts";
import type { LoadParts } from "../load-parts.ts";
import type { SharedEntry, SharedTier } from "../shared/port.ts";
import { KEPT_TAGS_MAX } from "../shelf.ts";
import { isFresh, mayStandIn } from "../standing.ts";
import { guardOf } from "../tracking.ts";
import type { Admitted } from "../value.ts";
import { type Decoded, readPayload } from "../wire/index.ts";

/** How a key was asked for. */
export interface Asked {
  readonly key: string;
  /** Opened before Redis was asked. */
  readonly fill: Fill;
  /** When it was asked. */
  readonly at: Instant;
  /** Of the call; without, that of its kind of key. */
  readonly codec: Codec<unknown> | undefined;
  /** Fraction of its fresh time after which it is reloaded in the background. */
  readonly eagerRefresh: number;
  /** Tags that the call says it has; who stored it may have known of others. */
  readonly tags: readonly string[];
}

export interface Finding {
  /** A value to be used, whether this process's memory kept it or not. */
  readonly entry: Entry;
  readonly fresh: boolean;
  /** Something it depends on was invalidated here since Redis was asked. */
  readonly voided: boolean;
}

/** Undefined where it is nothing to this process. Decompressing what is large takes a while. */
export function adopt(
  parts: LoadParts,
  asked: Asked,
  found: SharedEntry,
): Finding | undefined | Promise<Finding | undefined> {
  const dependency = dependencyOf(parts, asked, found);
  if (dependency === UNKNOWN_SOURCE) {
    parts.counters.undecodable += 1;
    return undefined;
  }
  const known = { asked, found, dependency };
  const codec = asked.codec ?? parts.shelf.codecOf(asked.key);
  const origin = codec === undefined ? undefined : { freshUntilMs: found.freshUntilMs, dependency };
  const decoded = readPayload(found.payload, codec, origin);
  if (decoded instanceof Promise) return decoded.then((one) => settle(parts, known, one));
  return settle(parts, known, decoded);
}

interface Known {
  readonly asked: Asked;
  readonly found: SharedEntry;
  readonly dependency: Dependency | undefined;
}

function settle(
  parts: LoadParts,
  { asked, found, dependency }: Known,
  decoded: Decoded,
): Finding | undefined {
  const { shelf, counters, fence, rules } = parts;
  const { expired } = found;
  const tags = both(found.tags, asked.tags);
  const admitted = tags.length > KEPT_TAGS_MAX ? undefined : admittedOf(parts, asked, decoded);
  if (admitted === undefined) {
    counters.undecodable += 1;
    return undefined;
  }
  const entry = shelf.make(asked.key, admitted, {
    lifetime: inMemory(parts, lifetimeOf(parts, asked, found)),
    tags,
    guard: guardOf(parts, asked.fill, dependency, asked.at),
  });
  // By this clock, which may be behind the one that read the answer: or it would be fresh until then.
  if (expired) entry.expire(parts.now());
  const voided = rules.voided(fence, asked.fill, tags);
  const fresh = !expired && isFresh(parts, entry);
  const usable = fresh || mayStandIn(parts, entry);
  if (usable && !voided && replaces(parts, entry, fresh)) shelf.keep(entry);
  else fence.detach(entry.records);
  return usable ? { entry, fresh, voided } : undefined;
}

/** Undefined where it cannot be kept here: code of another release wrote it, this one's looks at it. */
function admittedOf({ shelf }: LoadParts, asked: Asked, decoded: Decoded): Admitted | undefined {
  if (decoded.kind !== "value") return undefined;
  try {
    return shelf.admit(asked.key, decoded.value, asked);
  } catch {
    return undefined;
  }
}

/** Redis judged it by both. */
function both(found: readonly string[], declared: readonly string[]): readonly string[] {
  if (declared.every((tag) => found.includes(tag))) return found;
  return [...new Set([...found, ...declared])];
}

/** A stale value does not take the place of one that can stand in as well. */
function replaces(parts: LoadParts, entry: Entry, fresh: boolean): boolean {
  if (fresh) return true;
  const kept = parts.shelf.find(entry.key);
  return kept === undefined || !mayStandIn(parts, kept);
}

function lifetimeOf(parts: LoadParts, { eagerRefresh }: Asked, found: SharedEntry): Lifetime {
  const nowMs = parts.now();
  const ttlMs = found.freshUntilMs - nowMs;
  const wholeMs = found.freshUntilMs - found.capturedMs;
  return {
    ttlMs,
    graceMs: Math.max(0, found.staleUntilMs - found.freshUntilMs),
    refreshAfterMs: Math.min(
      ttlMs - wholeMs * (1 - eagerRefresh),
      ttlMs - earlyMs(parts.options, found.loadMs),
    ),
  };
}

const UNKNOWN_SOURCE = Symbol("a source that is unknown here");

/** What it depends on, by the names of this process. */
function dependencyOf(
  { tier }: LoadParts,
  { fill }: Asked,
  { dependency, tags, capturedMs, capturedWallMs, freshUntilMs }: SharedEntry,
): Dependency | undefined | typeof UNKNOWN_SOURCE {
  if (dependency === undefined) return undefined;
  const trusts = sourcesOf(tier!, dependency.sources);
  if (trusts === undefined) return UNKNOWN_SOURCE;
  const { untracked, personal } = dependency;
  const seq = fill.seq;
  const captured = { capturedMs, capturedWallMs, expiresAtMs: freshUntilMs };
  return { tags, trusts, seq, ...captured, untracked, personal };
}

function sourcesOf(tier: SharedTier, ids: readonly string[]): readonly Trust[] | undefined {
  const trusts: Trust[] = [];
  for (const id of ids) {
    const trust = tier.source(id);
    if (trust === undefined) return undefined;
    trusts.push(trust);
  }
  return trusts;
}
