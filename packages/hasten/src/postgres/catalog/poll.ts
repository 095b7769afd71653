/** Asks whether what is known of the catalog still holds, and forgets what does not. */
import { type Expected, type ExpectedKind, pollSql } from "./poll-sql.ts";
import type { NameKind, Registry } from "./registry.ts";
import type { RelationFacts } from "./relation.ts";
import type { Item } from "./shelf.ts";

const NAME_KINDS: readonly NameKind[] = [
  "functions",
  "operators",
  "types",
  "casts",
  "allFunctions",
  "search",
];

/** Rows that are told each time. */
const ABOUT: ReadonlySet<string> = new Set(["since", "next", "publication"]);

/** Gives the relations whose coverage is another one now: they are to be looked up again. */
function lookedAt(registry: Registry, about: ReadonlyMap<string, string>): readonly string[] {
  const { publishing, relations, since: before } = registry;
  const since = about.get("since")!;
  registry.since = since;
  const next = about.get("next")!;
  if (publishing.saw(about.get("publication")!, { before, next }))
    return relations.entries().map(([key]) => key);
  if (!publishing.settles(since)) return [];
  return relations.entries().flatMap(([key, { settled }]) => (settled ? [] : [key]));
}

/** The tags to drop. Rejects when the database does not answer: nothing is known then. */
export type Poll = () => Promise<readonly string[]>;

export function createPoll(registry: Registry, forget: () => void): Poll {
  const text = pollSql();
  return async () => {
    const values = [registry.publication, JSON.stringify(expected(registry))];
    const rows = await registry.run(text, values);
    const tags = new Set<string>();
    const about = new Map<string, string>();
    const changed: { kind: ExpectedKind; key: string }[] = [];
    for (const row of rows) {
      const kind = String(row["kind"]);
      const key = String(row["key"]);
      if (ABOUT.has(kind)) about.set(kind, key);
      else changed.push({ kind: kind as ExpectedKind, key });
    }
    for (const it of changed) take(registry, it, tags);
    for (const key of lookedAt(registry, about)) takeRelation(registry, key, tags);
    for (const [kind, shelf] of shelves(registry))
      for (const key of shelf.doubtful()) take(registry, { kind, key }, tags);
    if (tags.size > 0 || changed.length > 0) {
      registry.epoch += 1;
      forget();
    }
    return [...tags];
  };
}

function expected(registry: Registry): Expected {
  const named = (kind: NameKind) =>
    registry.names[kind].entries().map(([name, { signature }]) => ({ name, signature }));
  return {
    relations: registry.relations.entries().map(([key, { signature }]) => ({ key, signature })),
    paths: registry.paths
      .entries()
      .map(([key, { role, schemas, signature }]) => ({ key, role, schemas, signature })),
    resolutions: registry.resolutions.entries().map(([key, { namespaces, name, signature }]) => ({
      key,
      namespaces,
      name,
      relation: signature,
    })),
    functions: named("functions"),
    operators: named("operators"),
    types: named("types"),
    casts: named("casts"),
    allFunctions: named("allFunctions"),
    search: named("search"),
  };
}

interface ShelfLike {
  doubtful(): readonly string[];
  take(key: string): { readonly tags: ReadonlySet<string> } | undefined;
}

function shelves(registry: Registry): readonly (readonly [ExpectedKind, ShelfLike])[] {
  return [
    ["relations", registry.relations],
    ["paths", registry.paths],
    ["resolutions", registry.resolutions],
    ...NAME_KINDS.map((kind): readonly [ExpectedKind, ShelfLike] => [kind, registry.names[kind]]),
  ];
}

function take(
  registry: Registry,
  { kind, key }: { kind: ExpectedKind; key: string },
  tags: Set<string>,
): void {
  if (kind === "relations") {
    takeRelation(registry, key, tags);
    return;
  }
  const [, shelf] = shelves(registry).find(([name]) => name === kind) ?? [];
  for (const tag of shelf?.take(key)?.tags ?? []) tags.add(tag);
}

/**
 * What was read from a table above it was read from it as well, and whether changes of one below are
 * published is decided above.
 */
function takeRelation(registry: Registry, key: string, tags: Set<string>): void {
  const item: Item<RelationFacts> | undefined = registry.relations.take(key);
  if (item === undefined) return;
  for (const tag of item.tags) tags.add(tag);
  registry.interest.remove(item.facts.oid);
  const { parents, children } = item.facts;
  for (const relative of [...parents, ...children]) takeRelation(registry, String(relative), tags);
}
