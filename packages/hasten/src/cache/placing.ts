import type { Dependency } from "../core/trace/index.ts";
import type { Lifetime } from "./entry.ts";
import type { Fill } from "./fill.ts";
import type { Guard } from "./guard.ts";
import { inMemory } from "./landing.ts";
import type { LoadParts } from "./load-parts.ts";
import { graceOf, ttlOf } from "./options.ts";
import { refused } from "./shelf.ts";
import { checkOwnTags } from "./tags.ts";
import { allTags, guardOf, openFill } from "./tracking.ts";
import type { Outcome, RefusedBecause, SetOptions } from "./types.ts";
import type { AdmitOptions, Admitted } from "./value.ts";

/** A value looked at, to be judged in the turn that stores it. */
export interface Prepared {
  readonly key: string;
  readonly value: unknown;
  readonly admitted: Admitted;
  readonly tags: readonly string[];
  readonly dependency: Dependency | undefined;
  readonly fill: Fill | undefined;
  readonly guard: Guard | undefined;
  readonly lifetime: Lifetime;
  /** Why it is not kept, whatever was invalidated. */
  readonly because: RefusedBecause | undefined;
}

/** How a value that is stored by hand is looked at, judged and kept in this process. */
export interface Placing {
  prepare(key: string, value: unknown, options: SetOptions, token?: Fill): Prepared;
  isVoided(prepared: Prepared): boolean;
  /** Judges and keeps it, in one turn. Its fill has ended. */
  place(prepared: Prepared): Outcome;
}

export function createPlacing(parts: LoadParts): Placing {
  const { options: cache, fence, shelf, rules } = parts;

  const prepare: Placing["prepare"] = (key, value, options, token) => {
    const { dependency } = options;
    const ttlMs = ttlOf(cache, options);
    const graceMs = graceOf(cache, options.graceMs);
    const tags = allTags(checkOwnTags(options.tags ?? NONE), dependency);
    const admitted = shelf.admit(key, value, options as Partial<AdmitOptions>);
    // Nothing of the caller's runs from here on: what is judged now is true when it is stored.
    const fill = token ?? (unguarded(dependency) ? undefined : openFill(parts, key));
    const guard = fill === undefined ? undefined : guardOf(parts, fill, dependency);
    const leftMs = dependency === undefined ? ttlMs : dependency.expiresAtMs - cache.clock.nowMs();
    const keptMs = Math.min(ttlMs, leftMs);
    const because = unkeptBecause({ dependency, ttlMs, keptMs });
    const lifetime = { ttlMs: keptMs, graceMs, refreshAfterMs: keptMs };
    return { key, value, admitted, tags, dependency, fill, guard, lifetime, because };
  };
  const isVoided = ({ fill, tags, dependency }: Prepared): boolean =>
    fill !== undefined && (rules.voided(fence, fill, tags) || outlived(fill, dependency));

  /** Judges and keeps it in this process, in one turn. */
  const place = (prepared: Prepared): Outcome => {
    const { key, fill, tags, guard, because } = prepared;
    const voided = isVoided(prepared);
    fill?.release();
    if (voided) return voidedBy(parts);
    if (because === "ttl is zero") shelf.remove(key);
    if (because !== undefined) return refused(because);
    const lifetime = inMemory(parts, prepared.lifetime);
    return shelf.put(key, prepared.admitted, { lifetime, tags, guard });
  };

  const unguarded = (dependency: Dependency | undefined): boolean =>
    dependency === undefined && cache.log === undefined;

  /** What was read is older than the fill, and something happened in between. */
  const outlived = (fill: Fill, dependency: Dependency | undefined): boolean => {
    if (dependency === undefined) return false;
    fence.keepMarks();
    if (fill.log !== undefined && dependency.seq < fill.log.seq) return true;
    return fence.takenSince(dependency.tags, dependency.seq);
  };

  return { prepare, isVoided, place };
}

function unkeptBecause({
  dependency,
  ttlMs,
  keptMs,
}: {
  readonly dependency: Dependency | undefined;
  readonly ttlMs: number;
  readonly keptMs: number;
}): RefusedBecause | undefined {
  if (dependency?.passing === true) return "read while its source was not ready";
  if (keptMs > 0) return undefined;
  return ttlMs > 0 ? "made from a value that is no longer fresh" : "ttl is zero";
}

export function voidedBy({ counters }: LoadParts): Outcome {
  counters.refusedFills += 1;
  return refused("invalidated while loading");
}

/** Refused by this process's memory only. */
export function isTooMuch(outcome: Outcome): boolean {
  if (outcome.kind !== "refused") return false;
  return outcome.because === "not admitted" || outcome.because === "larger than the cache";
}

const NONE: readonly string[] = [];
