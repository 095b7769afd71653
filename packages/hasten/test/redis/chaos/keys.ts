/**
 * The keys of a run, and what each depends on.
 *
 * `p:<a>:<n>` plain; `g:<a>:<n>` may be served stale after an expiry; `c:<a>:<n>` made from
 * `p:<a>:<n>` through the cache; `s:<at>:<n>` written by `set`, by the process in that place only.
 */

import type { Random } from "../../chaos/random.ts";
import type { Promised } from "./oracle.ts";

export const GROUPS = 4;
const IN_GROUP = 6;
const OWNED = 3;
export const TAGS = ["t:0", "t:1", "t:2", "everything"] as const;

export const groups: readonly number[] = Array.from({ length: GROUPS }, (_, at) => at);
const members = Array.from({ length: IN_GROUP }, (_, n) => n);

export const CACHED: readonly string[] = ["p", "g", "c"].flatMap((family) =>
  groups.flatMap((a) => members.map((n) => `${family}:${a}:${n}`)),
);

export const ownedBy = (at: number): readonly string[] =>
  Array.from({ length: OWNED }, (_, n) => `s:${at}:${n}`);

export const ALL: readonly string[] = [...CACHED, ...groups.flatMap(ownedBy)];

/** What a plain key is made from; made ones are another view of the same row. */
export function rowOf(key: string): string {
  return key.startsWith("c:") ? `p:${key.slice(2)}` : key;
}

export function tagsOf(key: string): readonly string[] {
  const n = Number(key.slice(key.lastIndexOf(":") + 1));
  return [`t:${n % 3}`, "everything"];
}

/**
 * A cache that is not `tracked` does not see what a load takes from it. Where the process is cut off
 * from Redis, what the load brings is used for one bound, and what it took may have been one bound old.
 */
export const PROMISED: Promised = {
  graced: (key) => key.startsWith("g:"),
  slack: (key) => (key.startsWith("c:") ? 2 : 1),
};

const FAMILIES = ["p", "g", "c", "s"].map((family) => ALL.filter((key) => key[0] === family));
const SHARES = [0.55, 0.75, 0.9, 1];

/** Some far more often than others. */
export function randomKey(random: Random): string {
  const dice = random.next();
  const keys = FAMILIES[SHARES.findIndex((share) => dice < share)]!;
  return keys[random.upTo(random.upTo(keys.length)) - 1]!;
}
