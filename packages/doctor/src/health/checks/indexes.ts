import type { Fix } from "../../finding.ts";
import { BLOCK_BYTES, COUNTERS_MS, msSince, userSchema } from "../sql.ts";
import { type HealthCheck, ROWS_MAX } from "../types.ts";
import { advice, bytes, count, known, ms, sqlFix } from "../verdict.ts";

/** An index attached to a partitioned one cannot be dropped alone. */
const NOT_ATTACHED = "not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)";
/** A constraint that the index is made for, or that refers to it. */
const NO_CONSTRAINT = "not exists (select from pg_constraint k where k.conindid = x.indexrelid)";
/** A foreign key whose checks would read the whole table without this index. */
const NO_FOREIGN_KEY = `not exists (select from pg_constraint f
    where f.contype = 'f' and f.conrelid = x.indrelid
      and (x.indkey::int2[])[0 : cardinality(f.conkey) - 1] @> f.conkey)`;
const FROM = `from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam`;
/** Node trees carry the position in the text that they were parsed from, before PostgreSQL 17. */
const tree = (column: string): string =>
  `coalesce(regexp_replace(${column}::text, ':location -?\\d+', '', 'g'), '')`;
const drop = (index: string, schema: string): string =>
  `format(case when ${index}.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, ${schema}, ${index}.relname)`;

interface UnusedRow {
  readonly index: string;
  readonly table: string;
  readonly bytes: number;
  readonly scans: number;
  readonly idle_ms: number | null;
  readonly counters_ms: number;
  readonly writes: number;
  readonly fix: string;
  readonly undo: string;
}

export const unusedIndexes: HealthCheck<UnusedRow> = {
  id: "health/unused-index",
  looksAt: "Indexes that no statement uses",
  why: "Every insert and most updates write to it, vacuum reads it, memory and backups carry it, and updates of its columns cannot be HOT.",
  needs: "nothing",
  thresholds: ["unusedIndexBytesMin", "unusedIndexMs", "unusedIndexCountersMinMs"],
  sql({ major }) {
    const lastScan = major >= 16 ? "pg_stat_get_lastscan(x.indexrelid)" : "null::timestamptz";
    return `with u as materialized (
  select x.indexrelid, x.indrelid, c.ms as counters_ms
  ${FROM}
  cross join (select ${COUNTERS_MS} as ms) c
  where i.relkind = 'i' and x.indisvalid and not x.indisunique and not x.indisprimary
    and not x.indisexclusion and not x.indisreplident
    and i.relpages * ${BLOCK_BYTES} >= :unusedIndexBytesMin
    and c.ms >= :unusedIndexCountersMinMs
    and (pg_stat_get_numscans(x.indexrelid) = 0 or ${msSince(lastScan)} >= :unusedIndexMs)
    and ${userSchema("n")}
    and ${NOT_ATTACHED}
    and ${NO_CONSTRAINT}
    and ${NO_FOREIGN_KEY}
  order by i.relpages desc
  limit ${ROWS_MAX}
)
select format('%I.%I', n.nspname, i.relname) as index,
  (select format('%I.%I', s.nspname, t.relname) from pg_namespace s where s.oid = t.relnamespace) as "table",
  i.relpages * ${BLOCK_BYTES} as bytes,
  pg_stat_get_numscans(x.indexrelid)::float8 as scans,
  ${msSince(lastScan)} as idle_ms,
  x.counters_ms,
  (pg_stat_get_tuples_inserted(t.oid) + pg_stat_get_tuples_updated(t.oid)
    - pg_stat_get_tuples_hot_updated(t.oid))::float8 as writes,
  ${drop("i", "n.nspname")} as fix,
  pg_get_indexdef(x.indexrelid) || ';' as undo
from u x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
order by i.relpages desc`;
  },
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title:
        row.idle_ms === null
          ? `Index ${row.index} has not been used once`
          : `Index ${row.index} has not been used for long`,
      subject: row.index,
      evidence: known([
        { label: "Table", value: row.table },
        bytes("Size", row.bytes),
        count("Scans", row.scans),
        row.idle_ms === null ? undefined : ms("Since its last scan", row.idle_ms),
        ms("Counted for at least", row.counters_ms),
        count("Writes to the table that reach it", row.writes),
      ]),
      fix: sqlFix(
        [row.fix],
        `Replicas count their own scans: look there first. Keep it if it is younger than a month or serves a report that is rarer. To have it back: ${row.undo}`,
      ),
    })),
  }),
};

interface DuplicateRow {
  readonly index: string;
  readonly table: string;
  readonly kept: string;
  readonly bytes: number;
  readonly constrained: boolean;
  readonly fix: string;
}

export const duplicateIndexes: HealthCheck<DuplicateRow> = {
  id: "health/duplicate-index",
  looksAt: "Indexes that are there twice",
  why: "Both are written on every change, and only one is ever needed.",
  needs: "nothing",
  thresholds: [],
  sql: ({ major }) => `with x as materialized (
  select x.indexrelid, x.indrelid, x.indisprimary, x.indisunique, x.indisreplident,
    exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x')) as constrained,
    exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype = 'f') as referenced,
    concat_ws('|', i.relam, x.indkey, x.indclass, x.indcollation, x.indoption, x.indisexclusion${
      major >= 15 ? ", x.indisunique and x.indnullsnotdistinct" : ""
    }, ${tree("x.indexprs")}, ${tree("x.indpred")}) as shape
  ${FROM}
  where x.indisvalid and ${userSchema("n")} and ${NOT_ATTACHED}
),
ranked as (
  select x.*, row_number() over best as place, first_value(x.indexrelid) over best as keeper
  from x
  window best as (partition by x.indrelid, x.shape
    order by x.indisprimary desc, x.referenced desc, x.constrained desc, x.indisunique desc, x.indisreplident desc, x.indexrelid)
)
select format('%I.%I', n.nspname, i.relname) as index,
  format('%I.%I', s.nspname, t.relname) as "table",
  (select format('%I.%I', n.nspname, k.relname) from pg_class k where k.oid = r.keeper) as kept,
  i.relpages * ${BLOCK_BYTES} as bytes,
  r.constrained,
  case when r.constrained
    then (select format('alter table %I.%I drop constraint %I;', s.nspname, t.relname, k.conname)
      from pg_constraint k where k.conindid = r.indexrelid and k.contype in ('p', 'u', 'x') limit 1)
    else ${drop("i", "n.nspname")} end as fix
from ranked r
join pg_class i on i.oid = r.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = r.indrelid
join pg_namespace s on s.oid = t.relnamespace
where r.place > 1 and not r.referenced and not r.indisreplident
order by i.relpages desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: `Index ${row.index} is the same as ${row.kept}`,
      subject: row.index,
      evidence: [
        { label: "Table", value: row.table },
        { label: "The one to keep", value: row.kept },
        bytes("Size", row.bytes),
      ],
      fix: row.constrained
        ? sqlFix([row.fix], "Both back a constraint; this is the one to give up.")
        : sqlFix([row.fix]),
    })),
  }),
};

interface PrefixRow {
  readonly index: string;
  readonly table: string;
  readonly covered_by: string;
  readonly bytes: number;
  readonly covering_bytes: number;
  readonly fix: string;
}

export const prefixIndexes: HealthCheck<PrefixRow> = {
  id: "health/prefix-index",
  looksAt: "Indexes that a longer one covers",
  why: "The longer index answers the same conditions; the shorter is written on every change for what little it is smaller.",
  needs: "nothing",
  thresholds: [],
  sql: () => `with x as materialized (
  select x.indexrelid, x.indrelid, x.indnkeyatts, x.indnatts, x.indisunique, x.indisreplident,
    x.indkey::text || ' ' as keys, x.indclass::text || ' ' as classes,
    x.indcollation::text || ' ' as collations, x.indoption::text || ' ' as options,
    ${tree("x.indpred")} as predicate, i.relname, i.relpages, i.relkind, n.nspname,
    t.relname as table_name, t.relnamespace as table_schema
  ${FROM}
  where x.indisvalid and m.amname = 'btree' and x.indexprs is null
    and ${userSchema("n")} and ${NOT_ATTACHED}
)
select distinct on (x.relpages, x.indexrelid) format('%I.%I', x.nspname, x.relname) as index,
  (select format('%I.%I', s.nspname, x.table_name) from pg_namespace s where s.oid = x.table_schema) as "table",
  format('%I.%I', b.nspname, b.relname) as covered_by,
  x.relpages * ${BLOCK_BYTES} as bytes,
  b.relpages * ${BLOCK_BYTES} as covering_bytes,
  ${drop("x", "x.nspname")} as fix
from x join x b on b.indrelid = x.indrelid and b.indexrelid <> x.indexrelid
  and b.predicate = x.predicate
  and starts_with(b.keys, x.keys) and b.keys <> x.keys and b.indnkeyatts >= x.indnkeyatts
  and starts_with(b.classes, x.classes) and starts_with(b.collations, x.collations)
  and starts_with(b.options, x.options)
where not x.indisunique and not x.indisreplident and x.indnatts = x.indnkeyatts
  and ${NO_CONSTRAINT}
order by x.relpages desc, x.indexrelid, b.relpages
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "info",
      title: `Index ${row.index} is a prefix of ${row.covered_by}`,
      subject: row.index,
      evidence: [
        { label: "Table", value: row.table },
        { label: "Covered by", value: row.covered_by },
        bytes("Size", row.bytes),
        bytes("Size of the longer one", row.covering_bytes),
      ],
      fix: sqlFix(
        [row.fix],
        "Keep it when the longer one is several times its size and this one is read in long ranges.",
      ),
    })),
  }),
};

interface InvalidRow {
  readonly index: string;
  readonly table: string;
  readonly bytes: number;
  readonly partitioned: boolean;
  readonly leftover: boolean;
  readonly drop: string;
  readonly rebuild: string;
}

export const invalidIndexes: HealthCheck<InvalidRow> = {
  id: "health/invalid-index",
  looksAt: "Indexes whose build failed",
  why: "No statement may use it, yet every write keeps it up; a unique one may be believed to guard what it does not.",
  needs: "statistics",
  thresholds: [],
  sql: () => `select format('%I.%I', n.nspname, i.relname) as index,
  (select format('%I.%I', s.nspname, t.relname) from pg_namespace s where s.oid = t.relnamespace) as "table",
  i.relpages * ${BLOCK_BYTES} as bytes,
  i.relkind = 'I' as partitioned,
  i.relname ~ '_cc(new|old)\\d*$' as leftover,
  ${drop("i", "n.nspname")} as drop,
  format('reindex index concurrently %I.%I;', n.nspname, i.relname) as rebuild
${FROM}
where not x.indisvalid and ${userSchema("n")}
  and not exists (select from pg_stat_progress_create_index p
    where p.index_relid = x.indexrelid or p.relid = x.indrelid)
order by i.relpages desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: row.partitioned
        ? `Index ${row.index} is not complete: some partitions lack theirs`
        : `Index ${row.index} is invalid: its build failed`,
      subject: row.index,
      evidence: [{ label: "Table", value: row.table }, bytes("Size", row.bytes)],
      fix: invalidFix(row),
    })),
  }),
};

function invalidFix(row: InvalidRow): Fix {
  if (row.partitioned)
    return advice(
      "Create the missing index on each partition concurrently, then attach it: alter index … attach partition …",
    );
  if (row.leftover) return sqlFix([row.drop], "What an interrupted reindex concurrently left.");
  return sqlFix(
    [row.drop],
    `Then create it again, or in one step: ${row.rebuild} A unique index that failed on duplicates needs those removed first.`,
  );
}
