import { currentTrace } from "../core/trace/index.ts";
import { notNumber, tokenInvalid } from "./errors.ts";
import { Fill } from "./fill.ts";
import { dependencyOf } from "./guard.ts";
import type { Invalidations } from "./invalidations.ts";
import { checkKey } from "./keys.ts";
import type { LoadParts } from "./load-parts.ts";
import { createPlacing, isTooMuch } from "./placing.ts";
import { refused } from "./shelf.ts";
import { isFresh } from "./standing.ts";
import { createTokenWrites, parcelOf } from "./two-tier/token-writes.ts";
import { A_COUNTER, addShared, tellPut } from "./two-tier/writing.ts";
import type { Outcome, SetOptions, StoreOptions } from "./types.ts";

const NONE: readonly string[] = [];

/** What is stored by hand. Each takes effect before it returns. */
export interface Writes {
  set(key: string, value: unknown, options: SetOptions): Outcome | Promise<Outcome>;
  increment(key: string, by: number, options: StoreOptions): number | Promise<number>;
}

export function createWrites(parts: LoadParts, invalidations: Invalidations): Writes {
  const { fence, shelf, now, tier } = parts;
  const placing = createPlacing(parts);
  const { prepare, place } = placing;
  const withToken = createTokenWrites(parts, placing);

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
    const parcel = lasting
      ? parcelOf(parts, { ...prepared, guard: undefined }, options)
      : undefined;
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
