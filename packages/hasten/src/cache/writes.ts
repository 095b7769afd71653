import { survives } from "./entry.ts";
import { notNumber, tokenInvalid } from "./errors.ts";
import { publish } from "./events.ts";
import { Fill, type FillToken } from "./fence.ts";
import { checkKey, checkPrefix } from "./keys.ts";
import type { LoadParts } from "./load-parts.ts";
import { graceOf, ttlOf } from "./options.ts";
import { APPLIED, refused } from "./shelf.ts";
import { checkTags } from "./tags.ts";
import type { Outcome, StoreOptions, Targets } from "./types.ts";
import type { AdmitOptions } from "./value.ts";

const NONE: readonly string[] = [];

/** The writes of a cache, in process: each takes effect before it returns. */
export interface Writes {
  set(key: string, value: unknown, options: SetOptions): Outcome;
  invalidate(target: string | Targets, how: "deleted" | "expired"): Outcome;
  clear(): Outcome;
  increment(key: string, by: number, options: StoreOptions): number;
}

export type SetOptions = StoreOptions & { readonly token?: FillToken | undefined };

export function createWrites(parts: LoadParts): Writes {
  const { options: cache, fence, shelf, now } = parts;

  const store = (key: string, value: unknown, options: StoreOptions, token?: Fill): Outcome => {
    const ttlMs = ttlOf(cache, options);
    const graceMs = graceOf(cache, options.graceMs);
    const tags = checkTags(options.tags ?? NONE);
    const admitted = shelf.admit(key, value, options as Partial<AdmitOptions>);
    // Nothing of the caller's runs from here on: what is judged now is true when it is stored.
    if (token !== undefined && fence.isVoid(token, tags)) {
      parts.counters.refusedFills += 1;
      return refused("invalidated while loading");
    }
    if (ttlMs <= 0) {
      shelf.remove(key);
      return refused("ttl is zero");
    }
    return shelf.put(key, admitted, { lifetime: { ttlMs, graceMs, refreshAfterMs: ttlMs }, tags });
  };

  const fill = (key: string, value: unknown, options: StoreOptions, token: Fill): Outcome => {
    if (token.state === "ended") return refused("token is used or released");
    try {
      return store(key, value, options, token);
    } finally {
      token.release();
    }
  };

  return {
    set(key, value, options) {
      checkKey(key);
      const { token } = options;
      if (token !== undefined) {
        if (!(token instanceof Fill) || token.key !== key || !token.belongsTo(fence))
          throw tokenInvalid(key);
        return fill(key, value, options, token);
      }
      fence.advance();
      fence.takeKey(key);
      return store(key, value, options);
    },
    invalidate(target, how) {
      const named: Targets = typeof target === "string" ? { keys: [target] } : target;
      const { keys = NONE, tags = NONE } = named;
      for (const key of keys) checkKey(key);
      checkTags(tags);
      const prefixes = (named.prefixes ?? NONE).map(checkPrefix);
      fence.advance();
      if (how === "deleted") take(parts, { keys, tags, prefixes });
      else expire(parts, { keys, tags, prefixes });
      publish({ cache: cache.name, kind: how, keys, tags, prefixes });
      return APPLIED;
    },
    clear() {
      fence.advance();
      fence.takeAll();
      shelf.clear();
      publish({ cache: cache.name, kind: "cleared" });
      return APPLIED;
    },
    increment(key, by, options) {
      checkKey(key);
      const entry = shelf.find(key);
      const nowMs = now();
      const live = entry !== undefined && !entry.failure && nowMs < entry.freshUntilMs;
      const before = live ? entry.value : 0;
      if (!Number.isFinite(before) || !Number.isFinite(by)) throw notNumber(key);
      const sum = (before as number) + by;
      fence.advance();
      fence.takeKey(key);
      const kept = {
        ttlMs: (entry?.freshUntilMs ?? 0) - nowMs,
        graceMs: entry?.graceMs,
        tags: entry?.tags,
      };
      store(key, sum, live ? kept : options);
      return sum;
    },
  };
}

interface Named {
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
}

function take({ fence, shelf }: LoadParts, { keys, tags, prefixes }: Named): void {
  for (const key of keys) {
    fence.takeKey(key);
    shelf.remove(key);
  }
  for (const tag of tags) fence.deleteTag(tag);
  for (const prefix of prefixes) fence.deletePrefix(prefix);
}

function expire({ fence, shelf, now }: LoadParts, { keys, tags, prefixes }: Named): void {
  const nowMs = now();
  for (const key of keys) {
    fence.takeKey(key);
    const entry = shelf.memory.peek(key);
    if (entry === undefined) continue;
    if (survives(entry, fence)) entry.expire(nowMs);
    else shelf.remove(key);
  }
  for (const tag of tags) fence.expireTag(tag, nowMs);
  for (const prefix of prefixes) fence.expirePrefix(prefix, nowMs);
}
