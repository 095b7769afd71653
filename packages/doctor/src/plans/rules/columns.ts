import { stripConstants } from "../constants.ts";
import { listOf } from "../fields.ts";
import type { PlanContext, PlanNode } from "../types.ts";
import { NAME, quotedName, quotedTable, unquoted } from "./sql.ts";

/** Columns of one table that conditions compare with something, in the order of the text. */
export interface Compared {
  /** `=`, `= ANY`, `IS NULL`: they lead an index. */
  readonly equal: readonly string[];
  readonly range: readonly string[];
  /** Whether OR joins any of the conditions: one index cannot serve both sides. */
  readonly or: boolean;
}

/** A column right after an opening parenthesis that is no call's, perhaps cast, then an operator. */
const CLAUSE = new RegExp(
  String.raw`(?<![\p{L}\p{N}_"$])\((?:(${NAME})\.)?(${NAME})(?:\)::([a-z ]+)(?:\(\?\))?)? (=|<=|>=|<|>|IS NULL)(?![=>~@])`,
  "gu",
);
const CLAUSES_MAX = 50;
/** Casts between these change nothing: an index on the column serves them. */
export const TEXTS: ReadonlySet<string> = new Set(["text", "character varying", "varchar"]);

/** What an index on the node's table could serve of these conditions. */
export function comparedColumns(
  node: PlanNode,
  conditions: readonly (string | undefined)[],
  context?: PlanContext,
): Compared {
  const equal = new Set<string>();
  const range = new Set<string>();
  let or = false;
  for (const condition of conditions) {
    if (condition === undefined) continue;
    const bare = stripConstants(condition);
    or ||= / OR /.test(bare);
    for (const [, qualifier, name = "", cast, operator = ""] of clausesOf(bare)) {
      const column = unquoted(name);
      const other = qualifier !== undefined && unquoted(qualifier) !== node.alias;
      if (other || !servedDespite(cast, column, { node, context })) continue;
      (operator === "=" || operator === "IS NULL" ? equal : range).add(column);
    }
  }
  return { equal: [...equal], range: [...range].filter((it) => !equal.has(it)), or };
}

function clausesOf(bare: string): readonly RegExpMatchArray[] {
  const clauses: RegExpMatchArray[] = [];
  for (const clause of bare.matchAll(CLAUSE)) {
    if (clauses.push(clause) >= CLAUSES_MAX) break;
  }
  return clauses;
}

/** Whether an index on the bare column serves a condition on its cast: text types are one. */
function servedDespite(
  cast: string | undefined,
  column: string,
  { node, context }: { readonly node: PlanNode; readonly context: PlanContext | undefined },
): boolean {
  if (cast === undefined) return true;
  if (!TEXTS.has(cast.trim()) || node.relation === undefined) return false;
  const type = context?.relation(node.schema, node.relation)?.columnTypes?.[column];
  return type === undefined || TEXTS.has(type.replace(/\(.*$/su, ""));
}

/** Columns that the other table of a join is compared with: of `(o.customer_id = c.id)` either. */
export function joinedColumns(alias: string, condition: string): readonly string[] {
  const column = new RegExp(String.raw`(${NAME})\.(${NAME})`, "gu");
  const found = new Set<string>();
  for (const clause of stripConstants(condition).split(/ AND /)) {
    if (!/^\(*\S+ = \S+\)*$/u.test(clause)) continue;
    for (const [, qualifier = "", name = ""] of clause.matchAll(column)) {
      if (unquoted(qualifier) === alias) found.add(unquoted(name));
    }
  }
  return [...found];
}

/** Equality first, then one range: what a b-tree can use of them. At most 4. */
export function indexOrder(compared: Compared): readonly string[] {
  return [...compared.equal.slice(0, 3), ...compared.range.slice(0, 1)];
}

/** One statement that creates the index; undefined when a name could not be quoted. */
export function createIndex(node: PlanNode, columns: readonly string[]): string | undefined {
  const table = quotedTable(node);
  const names = columns.map(quotedName);
  if (table === undefined || names.length === 0 || names.includes(undefined)) return undefined;
  return `create index concurrently on ${table} (${names.join(", ")});`;
}

/** The keys of a Sort as an index would have them; undefined when one is no plain column. */
export function sortIndex(sort: PlanNode, scan: PlanNode): string | undefined {
  const keys = listOf(sort, "Sort Key");
  const pattern = new RegExp(
    String.raw`^(?:(${NAME})\.)?(${NAME})( DESC)?( NULLS (?:FIRST|LAST))?$`,
    "u",
  );
  const parts = keys.map((key) => {
    const [, qualifier, name, descending = "", nulls = ""] = pattern.exec(key) ?? [];
    if (name === undefined) return undefined;
    if (qualifier !== undefined && unquoted(qualifier) !== scan.alias) return undefined;
    const quoted = quotedName(unquoted(name));
    return quoted && `${quoted}${descending.toLowerCase()}${nulls.toLowerCase()}`;
  });
  const table = quotedTable(scan);
  if (table === undefined || parts.length === 0 || parts.length > 4) return undefined;
  if (parts.includes(undefined)) return undefined;
  return `create index concurrently on ${table} (${parts.join(", ")});`;
}
