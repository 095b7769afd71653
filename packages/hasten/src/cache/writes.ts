import { currentTrace, type Dependency } from "../core/trace/index.ts";
import type { Codec } from "./codec.ts";
import type { Lifetime } from "./entry.ts";
import { notNumber, tokenInvalid } from "./errors.ts";
import { Fill } from "./fill.ts";
import { dependencyOf, type Guard } from "./guard.ts";
import type { Invalidations } from "./invalidations.ts";
import { checkKey } from "./keys.ts";
import { inMemory } from "./landing.ts";
import type { LoadParts } from "./load-parts.ts";
import { graceOf, ttlOf } from "./options.ts";
import { APPLIED, refused } from "./shelf.ts";
import { isFresh } from "./standing.ts";
import { checkOwnTags } from "./tags.ts";
import { allTags, guardOf, openFill } from "./tracking.ts";
import { type Parcel, pack } from "./two-tier/sending.ts";
import { A_COUNTER, addShared, tellFill, tellPut } from "./two-tier/writing.ts";
import type { Outcome, RefusedBecause, SetOptions, StoreOptions } from "./types.ts";
import type { AdmitOptions, Admitted } from "./value.ts";

const NONE: readonly string[] = [];

/** What is stored by hand. Each takes effect before it returns. */
export interface Writes {
  set(key: string, value: unknown, options: SetOptions): Outcome | Promise<Outcome>;
  increment(key: string, by: number, options: StoreOptions): number | Promise<number>;
}

/** A value looked at, to be judged in the turn that stores it. */
interface Prepared {
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

export function createWrites(parts: LoadParts, invalidations: Invalidations): Writes {
  const { options: cache, fence, shelf, now, rules, tier } = parts;

  const prepare = (key: string, value: unknown, options: SetOptions, token?: Fill): Prepared => {
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

  const parcelOf = (prepared: Prepared, options: SetOptions): Parcel | undefined => {
    if (tier === undefined || options.reach === "process") return undefined;
    const codec = options.codec as Codec<unknown> | undefined;
    return pack(parts, { ...prepared, codec, loadMs: 0 });
  };

  /** Judged by Redis as well, and kept here once it is stored there. */
  const placeShared = async (prepared: Prepared, parcel: Parcel): Promise<Outcome> => {
    try {
      const voided = (): boolean => isVoided(prepared);
      const told = await tellFill(parts, { fill: prepared.fill!, parcel, voided });
      if (told !== undefined && rules.tier.isRefused(told)) return voidedBy(parts);
      const outcome = place(prepared);
      return told?.kind === "stored" && isTooMuch(outcome) ? APPLIED : outcome;
    } finally {
      prepared.fill?.release();
    }
  };

  const withToken = (
    token: Fill,
    value: unknown,
    options: SetOptions,
  ): Outcome | Promise<Outcome> => {
    const { key } = token;
    try {
      const fill = tier?.usable === true ? takeOver(token) : token;
      const prepared = prepare(key, value, options, fill);
      const far = fill !== token && prepared.because === undefined && !isVoided(prepared);
      const parcel = far ? parcelOf(prepared, options) : undefined;
      return parcel === undefined ? place(prepared) : placeShared(prepared, parcel);
    } finally {
      token.release();
    }
  };
  /** Redis takes a while, and whose token it is may release it. */
  const takeOver = (token: Fill): Fill => {
    if (token.state !== "open") return token;
    const fill = fence.begin(token.key, NONE, token.seq);
    fill.log = token.log;
    fill.capturedMs = token.capturedMs;
    fill.capturedWallMs = token.capturedWallMs;
    fill.lease = token.lease;
    token.lease = undefined;
    return fill;
  };

  const withoutToken = (
    key: string,
    value: unknown,
    options: SetOptions,
  ): Outcome | Promise<Outcome> => {
    fence.advance();
    fence.takeKey(key);
    const prepared = prepare(key, value, options);
    const outcome = place(prepared);
    // A value of known age is not put: Redis would not judge it by what happened since.
    const lasting = prepared.dependency === undefined && prepared.because === undefined;
    const parcel = lasting ? parcelOf({ ...prepared, guard: undefined }, options) : undefined;
    if (parcel !== undefined && (outcome.kind === "applied" || isTooMuch(outcome)))
      return tellPut(parts, key, parcel);
    // The other processes forget what they have: this one's value is not sent.
    const told = invalidations.tell("deleted", { keys: [key], tags: NONE, prefixes: NONE });
    return outcome.kind === "applied" ? told : outcome;
  };

  return {
    set(key, value, options) {
      checkKey(key);
      const { token } = options;
      if (token === undefined) return withoutToken(key, value, options);
      if (!(token instanceof Fill) || token.key !== key || !token.belongsTo(fence))
        throw tokenInvalid(key);
      if (token.state === "ended") return refused("token is used or released");
      return withToken(token, value, options);
    },
    increment(key, by, options) {
      checkKey(key);
      if (tier !== undefined && options.reach !== "process")
        return addShared(parts, key, { by, call: options });
      currentTrace()?.untracked(A_COUNTER);
      const entry = shelf.find(key);
      const live = entry !== undefined && !entry.failure && isFresh(parts, entry);
      const before = live ? entry.value : 0;
      if (!Number.isFinite(before) || !Number.isFinite(by)) throw notNumber(key);
      const sum = (before as number) + by;
      fence.advance();
      fence.takeKey(key);
      if (!live) {
        place(prepare(key, sum, options));
        return sum;
      }
      const { guard, graceMs, tags } = entry;
      const ttlMs = entry.freshUntilMs - now();
      // It survived until now: what it depends on was not taken since.
      const dependency =
        guard === undefined ? undefined : { ...dependencyOf(entry), seq: fence.seq };
      const kept = { ttlMs, graceMs, tags: guard === undefined ? tags : NONE, dependency };
      place(prepare(key, sum, kept));
      return sum;
    },
  };
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

function voidedBy({ counters }: LoadParts): Outcome {
  counters.refusedFills += 1;
  return refused("invalidated while loading");
}

/** Refused by this process's memory only. */
function isTooMuch(outcome: Outcome): boolean {
  if (outcome.kind !== "refused") return false;
  return outcome.because === "not admitted" || outcome.because === "larger than the cache";
}
