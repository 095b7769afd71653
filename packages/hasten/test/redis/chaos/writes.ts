/** What a writer changes, and how it tells the cache. */
import type { Cache, Outcome } from "../../../src/cache/index.ts";
import type { Random } from "../../chaos/random.ts";
import { CACHED, groups, TAGS, tagsOf } from "./keys.ts";

export interface Plan {
  readonly by: string;
  readonly rows: readonly string[];
  readonly softly: boolean;
  invalidate(cache: Cache, versions: Readonly<Record<string, number>>): Promise<Outcome>;
}

const ROWS = CACHED.filter((key) => !key.startsWith("c:"));
const made = (row: string): readonly string[] =>
  row.startsWith("p:") ? [row, `c:${row.slice(2)}`] : [row];

/** @param owned keys that this process alone sets */
export function randomPlan(random: Random, owned: readonly string[]): Plan {
  const dice = random.next();
  const softly = random.next() < 0.25;
  if (dice < 0.5) return ofKeys(random, softly);
  if (dice < 0.7) return ofTag(random.pick(TAGS.slice(0, 3)), softly);
  if (dice < 0.82) return ofPrefix(random, softly);
  if (dice < 0.86) return everything(random);
  return ownSet(random.pick(owned));
}

function ofKeys(random: Random, softly: boolean): Plan {
  const rows = [...new Set([random.pick(ROWS), random.pick(ROWS)])];
  const keys = rows.flatMap(made);
  return {
    by: softly ? "expire keys" : "delete keys",
    rows,
    softly,
    invalidate: (cache) => (softly ? cache.expire({ keys }) : cache.delete({ keys })),
  };
}

function ofTag(tag: string, softly: boolean): Plan {
  const rows = ROWS.filter((row) => tagsOf(row).includes(tag));
  return {
    by: softly ? "expire a tag" : "delete a tag",
    rows,
    softly,
    invalidate: (cache) => (softly ? cache.expire({ tags: [tag] }) : cache.delete({ tags: [tag] })),
  };
}

function ofPrefix(random: Random, softly: boolean): Plan {
  const family = random.pick(["p", "g"]);
  const prefix = `${family}:${random.pick(groups)}:`;
  const prefixes = made(prefix);
  return {
    by: softly ? "expire a prefix" : "delete a prefix",
    rows: ROWS.filter((row) => row.startsWith(prefix)),
    softly,
    invalidate: (cache) => (softly ? cache.expire({ prefixes }) : cache.delete({ prefixes })),
  };
}

function everything(random: Random): Plan {
  if (random.next() < 0.5) return { ...ofTag("everything", false), by: "delete the tag of all" };
  return { by: "clear", rows: ROWS, softly: false, invalidate: (cache) => cache.clear() };
}

/** Only one process sets the key, one after the other: the last to arrive is the newest. */
function ownSet(key: string): Plan {
  return {
    by: "set",
    rows: [key],
    softly: false,
    invalidate: (cache, versions) => cache.set(key, versions[key]!, { tags: tagsOf(key) }),
  };
}
