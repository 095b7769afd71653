import { BLOCK_BYTES, userSchema } from "../sql.ts";
import type { HealthCheck, Judgement, Verdict } from "../types.ts";
import { bytes, percent, plural, rows as rowCount, share, sqlFix } from "../verdict.ts";

/** Relations judged: the largest. */
const RELATIONS_MAX = 100;
const PAGE_HEADER = 24;
const LINE_POINTER = 4;
const TUPLE_HEADER = 23;

/** Rounds up to the eight bytes at which rows are aligned. */
const aligned = (expression: string): string => `(ceil((${expression}) / 8.0) * 8)`;

/** Bytes of alignment of a column by its letter in the catalog. */
const ALIGNMENT = "(case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end)";

/**
 * Width of a column in a row, without reading one: its statistics where the role may see them,
 * the type's own width where that is fixed, else null.
 */
function widthOf(schema: string, table: string, column: string): string {
  return `coalesce(
      (select s.avg_width * (1 - s.null_frac) from pg_stats s
        where s.schemaname = ${schema} and s.tablename = ${table} and s.attname = ${column} and not s.inherited),
      case when a.attlen > 0 then a.attlen end)::float8`;
}

export interface BloatRow {
  readonly name: string;
  readonly table: string;
  readonly bytes: number;
  readonly rows: number;
  /** Null where the widths of some columns are hidden from the role. */
  readonly needed_bytes_max: number | null;
  readonly needed_bytes_min: number | null;
  readonly fix: string;
}

export const tableBloat: HealthCheck<BloatRow> = {
  id: "health/table-bloat",
  looksAt: "Space in tables that holds no rows",
  why: "Scans read the empty pages too, and they push useful ones out of memory.",
  needs: "nothing",
  thresholds: [
    "tableBloatWarningShare",
    "tableBloatWarningBytes",
    "tableBloatCriticalShare",
    "tableBloatCriticalBytes",
  ],
  sql: () => `with t as materialized (
  select c.oid, c.relname, n.nspname, c.relpages, c.reltuples::float8 as rows,
    coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o
      where o.option_name = 'fillfactor'), 100) / 100 as fill
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.reltuples >= 0
    and c.relpages * ${BLOCK_BYTES} >= :tableBloatWarningBytes and ${userSchema("n")}
  order by c.relpages desc limit ${RELATIONS_MAX}
),
widths as (
  select t.oid, count(*) as columns, count(a.width) as known, sum(a.width) as width,
    sum(case when a.previous is null or a.previous <= 0 or a.previous % a.alignment <> 0
      then a.alignment - 1 else 0 end) filter (where a.place > 1) as padding
  from t
  cross join lateral (
    select ${ALIGNMENT} as alignment, lag(a.attlen) over (order by a.attnum) as previous,
      row_number() over (order by a.attnum) as place,
      ${widthOf("t.nspname", "t.relname", "a.attname")} as width
    from pg_attribute a
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped) a
  group by t.oid
),
sized as (
  select t.*, w.known < w.columns as hidden,
    ${LINE_POINTER} + ${aligned(`${TUPLE_HEADER} + w.columns / 8 + 1`)} as overhead, w.width, w.padding
  from t join widths w on w.oid = t.oid
)
select format('%I.%I', s.nspname, s.relname) as name, format('%I.%I', s.nspname, s.relname) as "table",
  s.relpages * ${BLOCK_BYTES} as bytes, s.rows,
  case when not s.hidden then ceil(s.rows * (s.overhead + ${aligned("s.width + coalesce(s.padding, 0)")})
    / ((${BLOCK_BYTES} - ${PAGE_HEADER}) * s.fill)) * ${BLOCK_BYTES} end::float8 as needed_bytes_max,
  case when not s.hidden then ceil(s.rows * (s.overhead + ${aligned("s.width")})
    / ((${BLOCK_BYTES} - ${PAGE_HEADER}) * s.fill)) * ${BLOCK_BYTES} end::float8 as needed_bytes_min,
  format('vacuum (full, analyze) %I.%I;', s.nspname, s.relname) as fix
from sized s
order by s.relpages desc`,
  judge: (rows, { thresholds: t }) =>
    judged(rows, "table", (row, wasted, part) => {
      if (part < t.tableBloatWarningShare || wasted < t.tableBloatWarningBytes) return undefined;
      const critical = part > t.tableBloatCriticalShare && wasted > t.tableBloatCriticalBytes;
      return {
        severity: critical ? "critical" : "warning",
        title: `At least ${percent(part)} of table ${row.name} holds no rows`,
        subject: row.name,
        evidence: bloatEvidence(row, wasted, part),
        fix: sqlFix(
          [row.fix],
          "Locks the table while it copies it; pg_repack and pg_squeeze do it without. New rows use the space up again: it is worth it when the table does not grow back. See first why vacuum did not keep up (old transactions, autovacuum's settings for this table).",
        ),
      };
    }),
};

const INDEX_TUPLE_HEADER = 8;
/** The page's header and the b-tree's own area at its end. */
const INDEX_PAGE_OVERHEAD = PAGE_HEADER + 16;
const INDEX_FILL = 90;

export const indexBloat: HealthCheck<BloatRow> = {
  id: "health/index-bloat",
  looksAt: "Space in b-tree indexes that holds no entries",
  why: "Look-ups touch more pages than they need, and memory holds half-empty ones.",
  needs: "nothing",
  thresholds: ["indexBloatShare", "indexBloatBytes"],
  sql: () => `with i as materialized (
  select i.oid, i.relname, n.nspname, i.relpages, i.reltuples::float8 as rows, x.indkey, x.indrelid,
    t.relname as table_name, s.nspname as table_schema,
    coalesce((select o.option_value::float8 from pg_options_to_table(i.reloptions) o
      where o.option_name = 'fillfactor'), ${INDEX_FILL}) / 100 as fill
  from pg_class i
  join pg_namespace n on n.oid = i.relnamespace
  join pg_am m on m.oid = i.relam and m.amname = 'btree'
  join pg_index x on x.indexrelid = i.oid
  join pg_class t on t.oid = x.indrelid
  join pg_namespace s on s.oid = t.relnamespace
  where i.relkind = 'i' and i.reltuples >= 0 and x.indisvalid
    and i.relpages * ${BLOCK_BYTES} >= :indexBloatBytes and ${userSchema("n")}
  order by i.relpages desc limit ${RELATIONS_MAX}
),
widths as (
  select i.oid, count(*) as columns, count(a.width) as known, sum(a.width) as width,
    sum(a.alignment - 1) filter (where a.place > 1) as padding
  from i
  cross join lateral (
    select a.attnum as place, ${ALIGNMENT} as alignment,
      case when i.indkey[a.attnum - 1] = 0 then ${widthOf("i.nspname", "i.relname", "a.attname")}
        else ${widthOf("i.table_schema", "i.table_name", "(select k.attname from pg_attribute k where k.attrelid = i.indrelid and k.attnum = i.indkey[a.attnum - 1])")} end as width
    from pg_attribute a
    where a.attrelid = i.oid and a.attnum > 0) a
  group by i.oid
),
sized as (
  select i.*, w.known < w.columns as hidden, w.width, w.padding,
    ${LINE_POINTER} + ${INDEX_TUPLE_HEADER} as overhead
  from i join widths w on w.oid = i.oid
)
select format('%I.%I', s.nspname, s.relname) as name,
  format('%I.%I', s.table_schema, s.table_name) as "table",
  s.relpages * ${BLOCK_BYTES} as bytes, s.rows,
  case when not s.hidden then (1 + ceil(s.rows * (s.overhead + ${aligned("s.width + coalesce(s.padding, 0)")})
    / ((${BLOCK_BYTES} - ${INDEX_PAGE_OVERHEAD}) * s.fill))) * ${BLOCK_BYTES} end::float8 as needed_bytes_max,
  case when not s.hidden then (1 + ceil(s.rows * (s.overhead + ${aligned("s.width")})
    / ((${BLOCK_BYTES} - ${INDEX_PAGE_OVERHEAD}) * s.fill))) * ${BLOCK_BYTES} end::float8 as needed_bytes_min,
  format('reindex index concurrently %I.%I;', s.nspname, s.relname) as fix
from sized s
order by s.relpages desc`,
  judge: (rows, { thresholds }) =>
    judged(rows, "index", (row, wasted, part) => {
      if (part < thresholds.indexBloatShare || wasted < thresholds.indexBloatBytes)
        return undefined;
      return {
        severity: "warning",
        title: `At least ${percent(part)} of index ${row.name} holds no entries`,
        subject: row.name,
        evidence: [{ label: "Table", value: row.table }, ...bloatEvidence(row, wasted, part)],
        fix: sqlFix([row.fix], "Needs room for the new one beside the old while it builds."),
      };
    }),
};

/** Judges by the larger estimate of what is needed, so that its error never makes a finding. */
function judged(
  rows: readonly BloatRow[],
  kind: "table" | "index",
  verdict: (row: BloatRow, wasted: number, part: number) => Verdict | undefined,
): Judgement {
  const verdicts = rows.flatMap((row) => {
    if (row.needed_bytes_max === null || row.bytes <= 0) return [];
    const wasted = Math.max(0, row.bytes - row.needed_bytes_max);
    return verdict(row, wasted, wasted / row.bytes) ?? [];
  });
  const hidden = rows.filter((row) => row.needed_bytes_max === null).length;
  if (hidden === 0) return { verdicts };
  const what = plural(hidden, `large ${kind}`, kind === "index" ? "large indexes" : "large tables");
  const because = `the statistics of ${what} are hidden from this role: grant select on the tables, or pg_read_all_data`;
  return { verdicts, unseen: { share: 1 - hidden / rows.length, because } };
}

function bloatEvidence(row: BloatRow, wasted: number, part: number): Verdict["evidence"] {
  const most = row.bytes - (row.needed_bytes_min ?? row.needed_bytes_max ?? row.bytes);
  return [
    bytes("Size", row.bytes),
    bytes("Empty, at least", wasted),
    bytes("Empty, at most", Math.max(wasted, most)),
    share("Share", part),
    rowCount("Rows", row.rows),
    { label: "Estimated", value: "from widths in the statistics" },
  ];
}
