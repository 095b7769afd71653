import type { Index, IndexKey, Relation } from "../catalog/types.ts";
import { canonical } from "./canonical.ts";
import { flipped, type Idea } from "./idea.ts";
import type { CandidateKey } from "./types.ts";

/**
 * Whether a valid index of the table already serves what the idea is for: the same one, or a
 * b-tree that begins with its keys.
 */
export function isServed(idea: Idea, relation: Relation): boolean {
  return relation.indexes.some((index) => index.valid && serves(index, idea));
}

function serves(index: Index, idea: Idea): boolean {
  if (index.method !== idea.method) return false;
  if (canonical(index.predicate) !== canonical(idea.predicate)) return false;
  if (!keysServe(index, idea)) return false;
  const held = new Set([...index.include, ...index.keys.map((key) => key.column)]);
  return idea.include.every((column) => held.has(column));
}

function keysServe(index: Index, { method, keys, sought, fixed = 0 }: Idea): boolean {
  const existing = index.keys.map((key) => withCollation(key, index));
  if (existing.length < keys.length) return false;
  if (method !== "btree")
    return existing.length === keys.length && keys.every((key, at) => sameTerm(existing[at], key));
  const first = existing.slice(0, keys.length);
  // Sought by equality only, the order of keys does not matter.
  if (sought === "equality")
    return keys.every((key) => first.some((other) => sameTerm(other, key)));
  if (sought === "lookup") return keys.every((key, at) => sameTerm(first[at], key));
  const many = Math.min(fixed, keys.length);
  const leading = first.slice(0, many);
  if (!keys.slice(0, many).every((key) => leading.some((other) => sameTerm(other, key))))
    return false;
  const ordered = (wanted: readonly CandidateKey[]): boolean =>
    wanted.every(
      (key, at) => at < many || (sameTerm(first[at], key) && sameDirection(first[at], key)),
    );
  return ordered(keys) || ordered(flipped(keys));
}

/**
 * A column in another collation than its own serves another order: it counts as the expression
 * `column collate "x"`. Only the definition tells.
 */
function withCollation(key: IndexKey, { definition }: Index): IndexKey {
  if (key.column === undefined) return key;
  const quoted = new RegExp(`[( ]"?${escaped(key.column)}"? COLLATE ("?[^ ,)]+)`, "i");
  const collation = quoted.exec(definition)?.[1];
  if (collation === undefined) return key;
  return { ...key, column: undefined, expression: `${key.column} collate ${collation}` };
}

function escaped(text: string): string {
  return text.replaceAll('"', '""').replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function sameTerm(index: IndexKey | undefined, key: CandidateKey): boolean {
  if (index === undefined) return false;
  const opclass =
    key.opclass === undefined
      ? index.opclassDefault
      : index.opclass === key.opclass.slice(key.opclass.lastIndexOf(".") + 1);
  if (!opclass) return false;
  if (key.column !== undefined) return index.column === key.column;
  return canonical(index.expression) === canonical(key.sql);
}

function sameDirection(index: IndexKey | undefined, key: CandidateKey): boolean {
  return index?.descending === key.descending && index.nullsFirst === key.nullsFirst;
}
