import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import type { Catalog, Index, Relation } from "../catalog/types.ts";
import { CONTRIB } from "./contrib.ts";
import type { ConstraintRow, Step, TableColumn, TableRow } from "./schema-types.ts";

/** CREATE INDEX in the model must not touch the table's numbers. */
function optionsOf({ kind, fillfactor }: TableRow): string {
  if (kind === "p") return "";
  const packed = fillfactor === null ? "" : `, fillfactor = ${fillfactor}`;
  return ` with (autovacuum_enabled = off${packed})`;
}

export function extensionSteps(catalog: Catalog): readonly Step[] {
  return [...catalog.extensions]
    .filter(([name]) => CONTRIB[name] !== undefined)
    .map(([name, { schema }]) =>
      step(
        `create extension if not exists ${quoteIdentifier(name)} schema ${quoteIdentifier(schema)} cascade`,
      ),
    );
}

/** A table; a materialized view is one to the planner. */
export function tableStep(table: TableRow): Step {
  const name = quoteQualified([table.schema, table.name]);
  const partitionBy = table.key === null ? "" : ` partition by ${table.key}`;
  const options = optionsOf(table);
  const [parent] = table.parents;
  if (table.partition && parent !== undefined && table.bound !== null)
    return step(
      `create table ${name} partition of ${quoteQualified(parent)} ${table.bound}${partitionBy}${options}`,
      table.oid,
    );
  const columns = table.columns.map((column) => columnText(column)).join(", ");
  const inherits =
    table.parents.length === 0
      ? ""
      : ` inherits (${table.parents.map((names) => quoteQualified(names)).join(", ")})`;
  return step(`create table ${name} (${columns})${inherits}${partitionBy}${options}`, table.oid);
}

/** Defaults are left out: they say nothing to the planner. */
function columnText(column: TableColumn): string {
  const collation = column.collation === null ? "" : ` collate ${quoteQualified(column.collation)}`;
  const generated =
    column.generated === null || column.expression === null
      ? ""
      : ` generated always as (${column.expression}) ${column.generated === "v" ? "virtual" : "stored"}`;
  const notNull = column.notNull ? " not null" : "";
  return `${quoteIdentifier(column.name)} ${column.type}${collation}${generated}${notNull}`;
}

/** Keys, indexes, partitions of indexes, checks and foreign keys, in the order that dumps use. */
export function detailSteps(
  relations: readonly Relation[],
  constraints: readonly ConstraintRow[],
): readonly Step[] {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const backing = new Map(
    constraints.filter(({ type }) => "pux".includes(type)).map((row) => [row.index, row]),
  );
  const indexes = relations.flatMap((relation) =>
    relation.indexes.map((index) => ({ relation, index })),
  );
  const owners = new Map(indexes.map((owned) => [owned.index.oid, owned]));
  const attached = indexes.flatMap(({ relation, index }) => {
    const parent = index.parent === undefined ? undefined : owners.get(index.parent);
    if (parent === undefined) return [];
    return step(
      `alter index ${indexName(parent.relation, parent.index)} attach partition ${indexName(relation, index)}`,
    );
  });
  const others = constraints.flatMap((row) => {
    const relation = byOid.get(row.relation);
    if (relation === undefined || !"cf".includes(row.type)) return [];
    if (row.type === "f" && !byOid.has(row.references)) return [];
    return added(relation, row);
  });
  return [
    ...indexes
      .filter(({ index, relation }) => index.valid || relation.kind === "partitioned")
      .map(({ relation, index }) => indexStep(relation, index, backing.get(index.oid))),
    ...attached,
    ...others,
  ];
}

function indexStep(relation: Relation, index: Index, constraint: ConstraintRow | undefined): Step {
  if (constraint === undefined) return step(index.definition);
  return step(
    `alter table only ${quoteQualified([relation.schema, relation.name])} add constraint ${quoteIdentifier(constraint.name)} ${constraint.definition}`,
  );
}

/**
 * NOT VALID keeps PostgreSQL from looking through the tables for a foreign key. A check has to be
 * valid to exclude a table from a plan; it is added while there is nothing to look through.
 */
function added(relation: Relation, row: ConstraintRow): readonly Step[] {
  const table = quoteQualified([relation.schema, relation.name]);
  const text = `alter table ${table} add constraint ${quoteIdentifier(row.name)} ${row.definition}`;
  const asItIs = row.type === "c" || /\bNOT VALID$/.test(row.definition);
  return [step(asItIs ? text : `${text} not valid`)];
}

/** Quoted and qualified: an index lives in its table's schema. */
export function indexName(relation: Relation, index: Pick<Index, "name">): string {
  return quoteQualified([relation.schema, index.name]);
}

export function viewSteps(
  relations: readonly Relation[],
  barriers: ReadonlySet<number>,
): readonly Step[] {
  return relations.flatMap((relation) =>
    relation.kind !== "view" || relation.viewText === undefined
      ? []
      : step(
          `create view ${quoteQualified([relation.schema, relation.name])}${barriers.has(relation.oid) ? " with (security_barrier)" : ""} as ${relation.viewText}`,
          relation.oid,
        ),
  );
}

export function step(sql: string, table?: number): Step {
  return { sql, table };
}
