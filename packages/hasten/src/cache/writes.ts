import { currentTrace, type Dependency } from "../core/trace/index.ts";
import { notNumber, tokenInvalid } from "./errors.ts";
import { Fill } from "./fence.ts";
import { dependencyOf } from "./guard.ts";
import type { Invalidations } from "./invalidations.ts";
import { checkKey } from "./keys.ts";
import type { LoadParts } from "./load-parts.ts";
import { graceOf, ttlOf } from "./options.ts";
import { refused } from "./shelf.ts";
import { isFresh } from "./standing.ts";
import { checkOwnTags } from "./tags.ts";
import { allTags, guardOf, openFill } from "./tracking.ts";
import type { Outcome, SetOptions, StoreOptions } from "./types.ts";
import type { AdmitOptions } from "./value.ts";

const NONE: readonly string[] = [];
export const A_COUNTER = "a counter of a cache";

/** What is stored by hand. Each takes effect before it returns. */
export interface Writes {
  set(key: string, value: unknown, options: SetOptions): Outcome | Promise<Outcome>;
  increment(key: string, by: number, options: StoreOptions): number;
}

export function createWrites(parts: LoadParts, invalidations: Invalidations): Writes {
  const { options: cache, fence, shelf, now, rules } = parts;

  /** @param token undefined for a value of unknown age: the last to arrive wins */
  const store = (key: string, value: unknown, options: SetOptions, token?: Fill): Outcome => {
    const { dependency } = options;
    const ttlMs = ttlOf(cache, options);
    const graceMs = graceOf(cache, options.graceMs);
    const tags = allTags(checkOwnTags(options.tags ?? NONE), dependency);
    const admitted = shelf.admit(key, value, options as Partial<AdmitOptions>);
    // Nothing of the caller's runs from here on: what is judged now is true when it is stored.
    const fill = token ?? (unguarded(dependency) ? undefined : openFill(parts, key));
    const guard = fill === undefined ? undefined : guardOf(parts, fill, dependency);
    const voided =
      fill !== undefined && (rules.voided(fence, fill, tags) || outlived(fill, dependency));
    fill?.release();
    if (voided) {
      parts.counters.refusedFills += 1;
      return refused("invalidated while loading");
    }
    const leftMs = dependency === undefined ? ttlMs : dependency.expiresAtMs - cache.clock.nowMs();
    const keptMs = Math.min(ttlMs, leftMs);
    if (dependency?.passing === true) return refused("read while its source was not ready");
    if (keptMs <= 0) {
      if (ttlMs > 0) return refused("made from a value that is no longer fresh");
      shelf.remove(key);
      return refused("ttl is zero");
    }
    const lifetime = { ttlMs: keptMs, graceMs, refreshAfterMs: keptMs };
    return shelf.put(key, admitted, { lifetime, tags, guard });
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

  return {
    set(key, value, options) {
      checkKey(key);
      const { token } = options;
      if (token !== undefined) {
        if (!(token instanceof Fill) || token.key !== key || !token.belongsTo(fence))
          throw tokenInvalid(key);
        if (token.state === "ended") return refused("token is used or released");
        try {
          return store(key, value, options, token);
        } finally {
          token.release();
        }
      }
      fence.advance();
      fence.takeKey(key);
      const outcome = store(key, value, options);
      // The other processes forget what they have: this one's value is not sent.
      const told = invalidations.tell("deleted", { keys: [key], tags: NONE, prefixes: NONE });
      return outcome.kind === "applied" ? told : outcome;
    },
    increment(key, by, options) {
      checkKey(key);
      currentTrace()?.untracked(A_COUNTER);
      const entry = shelf.find(key);
      const live = entry !== undefined && !entry.failure && isFresh(parts, entry);
      const before = live ? entry.value : 0;
      if (!Number.isFinite(before) || !Number.isFinite(by)) throw notNumber(key);
      const sum = (before as number) + by;
      fence.advance();
      fence.takeKey(key);
      if (!live) {
        store(key, sum, options);
        return sum;
      }
      const { guard, graceMs, tags } = entry;
      const ttlMs = entry.freshUntilMs - now();
      // It survived until now: what it depends on was not taken since.
      const dependency =
        guard === undefined ? undefined : { ...dependencyOf(entry), seq: fence.seq };
      store(key, sum, { ttlMs, graceMs, tags: guard === undefined ? tags : NONE, dependency });
      return sum;
    },
  };
}
