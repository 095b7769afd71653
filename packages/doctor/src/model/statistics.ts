import type { Relation } from "../catalog/types.ts";
import type { Target } from "../target/types.ts";
import { sizesQuery } from "./schema-queries.ts";

/** Statistics of a column, its values among them: they never leave the model. */
export interface ColumnStatistics {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly inherited: boolean;
  readonly values: StatisticsValues;
}

/** By the names that `pg_restore_attribute_stats` takes; arrays as text. */
export type StatisticsValues = Readonly<Record<string, string | number | null>>;

export interface RelationSize {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `relpages`, `reltuples`, `relallvisible`. */
  readonly pages: number;
  readonly rows: number;
  readonly visible: number;
  /** Of the file, now. */
  readonly blocks: number;
}

const SQL_TYPES: Readonly<Record<string, string>> = {
  null_frac: "real",
  avg_width: "integer",
  n_distinct: "real",
  most_common_vals: "text",
  most_common_freqs: "real[]",
  histogram_bounds: "text",
  correlation: "real",
  most_common_elems: "text",
  most_common_elem_freqs: "real[]",
  elem_count_histogram: "real[]",
};
const RANGE_TYPES: Readonly<Record<string, string>> = {
  range_length_histogram: "text",
  range_empty_frac: "real",
  range_bounds_histogram: "text",
};
/** `pg_stats` shows those of ranges from this version on. */
const RANGES_SINCE = 170000;
/** With a statistics target of 10,000 a table may have many megabytes of them. */
const RELATIONS_PER_READ = 25;

/** Of tables, and of indexes on expressions, whose columns have statistics of their own. */
export async function* readStatistics(
  target: Target,
  relations: readonly Relation[],
): AsyncGenerator<readonly ColumnStatistics[]> {
  const names = relations.flatMap((relation) => [
    [relation.schema, relation.name] as const,
    ...relation.indexes
      .filter(({ keys }) => keys.some(({ column }) => column === undefined))
      .map(({ name }) => [relation.schema, name] as const),
  ]);
  const types = typesOf(target.versionNum);
  const columns = Object.keys(types)
    .map((name) => `'${name}', s.${name}::text`)
    .join(", ");
  for (let at = 0; at < names.length; at += RELATIONS_PER_READ) {
    const part = names.slice(at, at + RELATIONS_PER_READ);
    yield await target.rows<ColumnStatistics>(
      `select s.schemaname as schema, s.tablename as table, s.attname as column, s.inherited,
        json_build_object(${columns}) as values
      from pg_catalog.pg_stats s
      join unnest($1::text[], $2::text[]) w (schema, name)
        on w.schema = s.schemaname and w.name = s.tablename`,
      [part.map(([schema]) => schema), part.map(([, name]) => name)],
    );
  }
}

/** Statement and values that restore a column's statistics. */
export function restoreColumn(row: ColumnStatistics): {
  readonly text: string;
  readonly values: readonly unknown[];
} {
  const types: Readonly<Record<string, string>> = { ...SQL_TYPES, ...RANGE_TYPES };
  const given = Object.entries(row.values).filter(
    ([name, value]) => value !== null && types[name] !== undefined,
  );
  const pairs = given.map(([name], at) => `'${name}', $${at + 5}::${types[name]}`);
  return {
    text: `select pg_catalog.pg_restore_attribute_stats('schemaname', $1::text, 'relname', $2::text,
      'attname', $3::text, 'inherited', $4::boolean${pairs.map((pair) => `, ${pair}`).join("")})
      as restored`,
    values: [
      row.schema,
      row.table,
      row.column,
      row.inherited,
      ...given.map(([, value]) => String(value)),
    ],
  };
}

export function restoreRelation(size: Omit<RelationSize, "oid" | "blocks">): {
  readonly text: string;
  readonly values: readonly unknown[];
} {
  return {
    text: `select pg_catalog.pg_restore_relation_stats('schemaname', $1::text, 'relname', $2::text,
      'relpages', $3::integer, 'reltuples', $4::real, 'relallvisible', $5::integer)`,
    values: [size.schema, size.name, size.pages, size.rows, size.visible],
  };
}

/** Sizes of tables and indexes; a relation that is locked in the meantime has its `relpages`. */
export async function readSizes(
  target: Target,
  oids: readonly number[],
): Promise<readonly RelationSize[]> {
  try {
    return await target.rows<RelationSize>(sizesQuery(true), [oids]);
  } catch {
    return await target.rows<RelationSize>(sizesQuery(false), [oids]);
  }
}

function typesOf(versionNum: number): Readonly<Record<string, string>> {
  return versionNum >= RANGES_SINCE ? { ...SQL_TYPES, ...RANGE_TYPES } : SQL_TYPES;
}
