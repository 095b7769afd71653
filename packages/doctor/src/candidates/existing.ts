import type { Index, IndexKey, Relation } from "../catalog/types.ts";
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
  if (!keysServe(index.keys, idea)) return false;
  const held = new Set([...index.include, ...index.keys.map((key) => key.column)]);
  return idea.include.every((column) => held.has(column));
}

function keysServe(existing: readonly IndexKey[], { method, keys, sought }: Idea): boolean {
  if (existing.length < keys.length) return false;
  if (method !== "btree")
    return existing.length === keys.length && keys.every((key, at) => sameTerm(existing[at], key));
  const first = existing.slice(0, keys.length);
  // Sought by equality only, the order of keys does not matter.
  if (sought === "equality")
    return keys.every((key) => first.some((other) => sameTerm(other, key)));
  if (sought === "lookup") return keys.every((key, at) => sameTerm(first[at], key));
  const turned = flipped(keys);
  const ordered = (wanted: readonly CandidateKey[]): boolean =>
    wanted.every((key, at) => sameTerm(first[at], key) && sameDirection(first[at], key));
  return ordered(keys) || ordered(turned);
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

/**
 * Two texts of one expression, ours and PostgreSQL's own, compared without what it adds: white
 * space, parentheses, quotes, schema, casts of literals to text.
 */
export function canonical(sql: string | undefined): string {
  return (sql ?? "")
    .replace(
      /::(?:"?pg_catalog"?\.)?"?(?:text\[\]|text|character varying|varchar|bpchar|regconfig)"?/gi,
      "",
    )
    .replace(/"?pg_catalog"?\./gi, "")
    .replace(/[\s()"]/g, "")
    .toLowerCase();
}
