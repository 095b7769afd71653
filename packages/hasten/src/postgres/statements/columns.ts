/** Which columns of a table row tags can be made of. */
import type { ColumnFacts, RelationFacts } from "../catalog/relation.ts";
import type { Coverage } from "../catalog/run.ts";
import type { KeyColumn } from "./equality.ts";
import type { ColumnKind } from "./interest.ts";

/** `stored` are the tables that hold its rows: itself, its partitions, its children. */
export function keyColumns(
  facts: Pick<RelationFacts, "columns">,
  stored: readonly Pick<RelationFacts, "columns">[],
  coverage: Coverage["kind"],
): ReadonlyMap<string, KeyColumn> {
  const columns = new Map<string, KeyColumn>();
  for (const column of facts.columns) {
    const kind = kindOf(column);
    if (kind === undefined) continue;
    const told = stored.every((table) => isTold(table, column, coverage));
    if (told) columns.set(column.name, { kind, enumName: column.enumName ?? undefined });
  }
  return columns;
}

/** Whether changes of the table tell the column's value before and after. */
function isTold(
  table: Pick<RelationFacts, "columns">,
  column: ColumnFacts,
  coverage: Coverage["kind"],
): boolean {
  const own = table.columns.find(({ name }) => name === column.name);
  if (own === undefined || kindOf(own) !== kindOf(column)) return false;
  return coverage === "any" || (coverage === "publication" && own.identity);
}

function kindOf({ type, deterministic }: ColumnFacts): ColumnKind | undefined {
  switch (type) {
    case "int2":
    case "int4":
    case "int8":
      return "integer";
    case "uuid":
      return "uuid";
    case "bool":
      return "boolean";
    case "enum":
      return "text";
    case "text":
    case "varchar":
      return deterministic ? "text" : undefined;
    default:
      return undefined;
  }
}
