import type { Catalog, Relation } from "../catalog/types.ts";
import type { Parser } from "../parse/parse.ts";
import type { WorkStatement } from "../workload/types.ts";

/** What a statement writes to one table. */
export interface Written {
  readonly relation: number;
  /** Columns that it sets in rows that exist; empty for INSERT and DELETE. */
  readonly updates: readonly string[];
}

/** Trees deeper than this are not walked further. */
const DEPTH_MAX = 300;

/** The tables that a statement writes, common table expressions included. */
export function writtenBy(
  statement: WorkStatement,
  catalog: Catalog,
  parser: Parser,
): readonly Written[] {
  const found: Written[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (depth > DEPTH_MAX || typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (isWrite(key)) found.push(...writtenIn(key, child, catalog));
      visit(child, depth + 1);
    }
  };
  for (const { tree } of parser.parse(statement.planText) ?? []) visit(tree, 0);
  return found;
}

const WRITES = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"] as const;

function isWrite(key: string): boolean {
  return WRITES.some((write) => write === key);
}

function writtenIn(kind: string, node: unknown, catalog: Catalog): readonly Written[] {
  const relation = relationOf(field(node, "relation"), catalog);
  if (relation === undefined) return [];
  const lists: Readonly<Record<string, unknown>> = {
    UpdateStmt: field(node, "targetList"),
    InsertStmt: field(field(node, "onConflictClause"), "targetList"),
    MergeStmt: field(node, "mergeWhenClauses"),
  };
  return [{ relation: relation.oid, updates: [...new Set(namesIn(lists[kind], kind))] }];
}

/** Names of the columns that are set. A MERGE's own INSERT lists columns too: those do not count. */
function namesIn(list: unknown, kind: string): readonly string[] {
  if (!Array.isArray(list)) return [];
  if (kind === "MergeStmt")
    return list
      .map((item: unknown) => field(item, "MergeWhenClause"))
      .filter((clause) => field(clause, "commandType") === "CMD_UPDATE")
      .flatMap((clause) => namesIn(field(clause, "targetList"), "UpdateStmt"));
  return list.flatMap((item: unknown) => {
    const name = field(field(item, "ResTarget"), "name");
    return typeof name === "string" ? [name] : [];
  });
}

function relationOf(node: unknown, catalog: Catalog): Relation | undefined {
  const name = field(node, "relname");
  const schema = field(node, "schemaname");
  if (schema !== undefined)
    return catalog.relations.find((it) => it.schema === schema && it.name === name);
  for (const path of catalog.searchPath) {
    const found = catalog.relations.find((it) => it.schema === path && it.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A field of a node of the parser's tree, whatever it is. */
export function field(node: unknown, name: string): unknown {
  return typeof node === "object" && node !== null
    ? (node as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
