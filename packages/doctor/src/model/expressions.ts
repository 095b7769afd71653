import { quoteQualified } from "hasten/postgres";
import type { Relation } from "../catalog/types.ts";
import type { Target } from "../target/types.ts";
import type { Engine } from "./engine.ts";
import { restoreColumn, type StatisticsValues } from "./statistics.ts";

/** What the target knows of expressions, by table and text; values stay inside the model. */
export type ExpressionStatistics = ReadonlyMap<string, StatisticsValues>;

/** Expressions remembered at most. */
const EXPRESSIONS_MAX = 5000;

/**
 * Statistics of expressions: those of existing indexes that hold all rows, and of extended
 * statistics, which `alter table … analyze` fills alike. A new index on the same expression has them.
 */
export async function readExpressions(
  target: Target,
  relations: readonly Relation[],
): Promise<ExpressionStatistics> {
  const byName = new Map(relations.map((r) => [`${r.schema}\0${r.name}`, r]));
  const rows = await target.rows<ExpressionRow>(EXPRESSIONS, [
    relations.map(({ oid }) => oid),
    EXPRESSIONS_MAX,
  ]);
  const found = new Map<string, StatisticsValues>();
  for (const row of rows) {
    const relation = byName.get(`${row.schema}\0${row.table}`);
    if (relation !== undefined && !found.has(keyOf(relation.oid, row.expression)))
      found.set(keyOf(relation.oid, row.expression), row.values);
  }
  return found;
}

interface ExpressionRow {
  readonly schema: string;
  readonly table: string;
  readonly expression: string;
  readonly values: StatisticsValues;
}

const VALUES = [
  "null_frac",
  "avg_width",
  "n_distinct",
  "most_common_vals",
  "most_common_freqs",
  "histogram_bounds",
  "correlation",
  "most_common_elems",
  "most_common_elem_freqs",
  "elem_count_histogram",
]
  .map((name) => `'${name}', s.${name}::text`)
  .join(", ");

/** `$1`: oids of tables, `$2`: most rows. */
const EXPRESSIONS = `
(select n.nspname as schema, t.relname as table, pg_get_indexdef(c.oid, a.attnum, false) as expression,
  json_build_object(${VALUES}) as values
from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and i.indkey[a.attnum - 1] = 0
join pg_catalog.pg_stats s
  on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
where i.indrelid = any ($1::oid[]) and i.indexprs is not null and i.indpred is null
limit $2)
union all
(select s.schemaname, s.tablename, s.expr, json_build_object(${VALUES})
from pg_catalog.pg_stats_ext_exprs s
join pg_catalog.pg_namespace n on n.nspname = s.schemaname
join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = s.tablename
where t.oid = any ($1::oid[]) limit $2)`;

/** Spellings of one expression: there may be parentheses around it, once or twice. */
function keyOf(relation: number, expression: string): string {
  let text = expression.trim();
  for (let inner = insideOf(text); inner !== undefined; inner = insideOf(text)) text = inner.trim();
  return `${relation}\0${text}`;
}

function insideOf(text: string): string | undefined {
  const inner = /^\((.*)\)$/s.exec(text)?.[1];
  return inner !== undefined && isBalanced(inner) ? inner : undefined;
}

/** Whether the parentheses that were around it belonged together. */
function isBalanced(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** Gives new indexes what is known of their expressions; the planner ignores it on partial ones. */
export async function restoreExpressions(
  engine: Engine,
  known: ExpressionStatistics,
  created: {
    relation: Relation;
    parts: readonly { readonly schema: string; readonly name: string }[];
    partial: boolean;
  },
): Promise<void> {
  if (known.size === 0 || created.partial) return;
  for (const part of created.parts) {
    const columns = await engine.rows<{ name: string; expression: string; relation: string }>(
      `select a.attname as name, pg_get_indexdef(i.indexrelid, a.attnum, false) as expression
      from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid
      where i.indexrelid = $1::text::regclass and i.indkey[a.attnum - 1] = 0`,
      [quoteQualified([part.schema, part.name])],
    );
    for (const column of columns) {
      const values = known.get(keyOf(created.relation.oid, column.expression));
      if (values === undefined) continue;
      const restored = restoreColumn({
        schema: part.schema,
        table: part.name,
        column: column.name,
        inherited: false,
        values,
      });
      await engine.rows(restored.text, restored.values);
    }
  }
}
