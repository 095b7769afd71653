/**
 * The form of tags that stand for rows: `sql:<database>:<schema>.<table>[:<column>=<value>]`.
 *
 * Invariants:
 * - What depends on a whole table carries its table tag: dropped by any change of it.
 * - What depends on rows with `column = value` only carries that row tag and the table's `broad`
 *   tag: dropped by a change of such a row, and by changes whose rows are not known.
 * - A change of known rows names the table tag and the row tags of OLD and NEW; any other change
 *   (TRUNCATE, DDL, too many rows) names the table tag and the broad tag.
 * - Parts are escaped so that no two tables meet; a tag too long is cut to a hash, which can only
 *   make tags meet, and so drop more.
 */
import { createHash } from "node:crypto";

export const SQL_TAG_PREFIX = "sql:";
const LENGTH_MAX = 400;

export interface TableName {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

/** Depends on any change of the table. */
export function tableTag({ database, schema, table }: TableName): string {
  return short(`${SQL_TAG_PREFIX}${part(database)}:${part(schema)}.${part(table)}`);
}

/** Carried beside row tags: dropped when changed rows are not known. */
export function broadTag(ofTable: string): string {
  return `${ofTable}:*`;
}

/** `canonical` is the column's text form as PostgreSQL writes it. */
export function rowTag(ofTable: string, column: string, canonical: string): string {
  const value = canonical.length > LENGTH_MAX / 4 ? digest(canonical) : part(canonical);
  return `${ofTable}:${column.length > LENGTH_MAX / 8 ? digest(column) : part(column)}=${value}`;
}

/** A function that was read; dropped when it is replaced. */
export function functionTag(database: string, oid: number): string {
  return `${SQL_TAG_PREFIX}${part(database)}:function.${oid}`;
}

/** The table tag that a row tag or broad tag belongs to; other tags are given back as they are. */
export function tableOfTag(tag: string): string {
  if (!tag.startsWith(SQL_TAG_PREFIX)) return tag;
  const afterDatabase = tag.indexOf(":", SQL_TAG_PREFIX.length);
  const end = tag.indexOf(":", afterDatabase + 1);
  return end === -1 ? tag : tag.slice(0, end);
}

const SPECIAL = /[%:.=*\s]/;
const SPECIALS = /[%:.=*\s]/g;

/** Most names and keys need no escape: looking costs less than replacing nothing. */
function part(name: string): string {
  if (!SPECIAL.test(name)) return name;
  return name.replace(SPECIALS, (character) => `%${character.charCodeAt(0).toString(16)};`);
}

function short(tag: string): string {
  if (tag.length <= LENGTH_MAX) return tag;
  const database = tag.slice(0, Math.min(tag.indexOf(":", SQL_TAG_PREFIX.length), LENGTH_MAX / 2));
  return `${database}:${digest(tag)}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
