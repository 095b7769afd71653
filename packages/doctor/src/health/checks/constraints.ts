import { userSchema } from "../sql.ts";
import { type HealthCheck, ROWS_MAX } from "../types.ts";
import { count, known, percent, plural, rows as rowCount, share, sqlFix } from "../verdict.ts";

interface InvalidRow {
  readonly name: string;
  readonly table: string;
  readonly kind: string;
  readonly fix: string;
}

export const invalidConstraints: HealthCheck<InvalidRow> = {
  id: "health/invalid-constraint",
  looksAt: "Constraints that were never validated",
  why: "Rows from before may break it, and the planner does not rely on it.",
  needs: "nothing",
  thresholds: [],
  sql: ({
    major,
  }) => `select k.conname::text as name, format('%I.%I', n.nspname, t.relname) as "table",
  case k.contype when 'f' then 'foreign key' when 'n' then 'not null' else 'check' end as kind,
  format('alter table %I.%I validate constraint %I;', n.nspname, t.relname, k.conname) as fix
from pg_constraint k
join pg_class t on t.oid = k.conrelid
join pg_namespace n on n.oid = t.relnamespace
where not k.convalidated and k.conparentid = 0 and k.coninhcount = 0 and ${userSchema("n")}${
    major >= 18 ? "\n  and k.conenforced" : ""
  }
order by 2, 1
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "info",
      title: `Constraint ${row.name} of ${row.table} is not validated`,
      subject: `${row.table} ${row.name}`,
      evidence: [
        { label: "Table", value: row.table },
        { label: "Kind", value: row.kind },
      ],
      fix: sqlFix([row.fix], "Reads the table once, without blocking reads or writes."),
    })),
  }),
};

interface ForeignKeyRow {
  readonly name: string;
  readonly table: string;
  readonly parent: string;
  readonly columns: string;
  readonly relation: number;
  readonly key: readonly string[];
  readonly rows: number;
  readonly parent_deletes: number;
  readonly partitioned: boolean;
  readonly fix: string;
}

export const foreignKeyIndexes: HealthCheck<ForeignKeyRow> = {
  id: "health/foreign-key-index",
  looksAt: "Foreign keys without an index",
  why: "Deleting a row of the referenced table, or changing its key, reads the whole referencing table, once for each row, with the row locked; joins along the key read it whole too.",
  needs: "nothing",
  thresholds: ["foreignKeyRowsMin", "foreignKeyDeletedRowsMin"],
  sql: () => `with k as materialized (
  select k.conname, k.conkey, k.conrelid, k.confrelid, t.relname, t.relkind, n.nspname,
    case when t.relkind = 'p'
      then (select sum(greatest(l.reltuples, 0)) from pg_partition_tree(t.oid) p join pg_class l on l.oid = p.relid where p.isleaf)
      else t.reltuples end::float8 as rows
  from pg_constraint k
  join pg_class t on t.oid = k.conrelid
  join pg_namespace n on n.oid = t.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and ${userSchema("n")}
    and not exists (select from pg_index x
      where x.indrelid = k.conrelid and x.indisvalid and x.indpred is null
        and (x.indkey::int2[])[0 : cardinality(k.conkey) - 1] @> k.conkey)
)
select k.conname::text as name, format('%I.%I', k.nspname, k.relname) as "table",
  (select format('%I.%I', n.nspname, c.relname) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where c.oid = k.confrelid) as parent,
  c.names as columns,
  k.conrelid::int8::float8 as relation,
  c.key,
  k.rows,
  pg_stat_get_tuples_deleted(k.confrelid)::float8 as parent_deletes,
  k.relkind = 'p' as partitioned,
  format(case when k.relkind = 'p' then 'create index on %I.%I (%s);' else 'create index concurrently on %I.%I (%s);' end,
    k.nspname, k.relname, c.names) as fix
from k
cross join lateral (select string_agg(quote_ident(a.attname), ', ' order by u.place) as names,
    array_agg(a.attname::text order by u.place) as key
  from unnest(k.conkey) with ordinality u (number, place)
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number) c
where k.rows >= :foreignKeyRowsMin
  or (k.rows >= :foreignKeyDeletedRowsMin and pg_stat_get_tuples_deleted(k.confrelid) > 0)
order by k.rows desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: `Foreign key ${row.name} of ${row.table} (${row.columns}) has no index`,
      subject: `${row.table} (${row.columns})`,
      foreignKey: { relation: row.relation, columns: row.key },
      evidence: [
        rowCount("Rows of the referencing table", row.rows),
        { label: "References", value: row.parent },
        count("Rows deleted from it so far", row.parent_deletes),
      ],
      fix: row.partitioned
        ? sqlFix(
            [row.fix],
            "Blocks writes while it builds: on a large table create it on each partition concurrently first, then attach.",
          )
        : sqlFix([row.fix]),
    })),
  }),
};

interface SequenceRow {
  readonly sequence: string;
  readonly column_of: string | null;
  readonly type: string | null;
  readonly last_value: number | null;
  readonly limit_value: number;
  readonly sequences: number;
  readonly fix: readonly string[];
}

/** A sequence feeds a column as its owner (serial, identity) or through a default. */
export const sequences: HealthCheck<SequenceRow> = {
  id: "health/sequence-exhaustion",
  looksAt: "Sequences that run out",
  why: "At the end every insert fails, and widening the column then rewrites the table while everyone waits.",
  needs: "nothing",
  thresholds: ["sequenceWarningShare", "sequenceCriticalShare"],
  sql: () => `with s as materialized (
  select n.nspname as schemaname, c.relname as sequencename, c.oid, q.seqmax as max_value,
    format_type(q.seqtypid, null) as data_type, r.readable, count(*) over () as sequences,
    case when r.readable then pg_sequence_last_value(c.oid) end::float8 as last_value
  from pg_sequence q
  join pg_class c on c.oid = q.seqrelid
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select has_sequence_privilege(c.oid, 'select, usage') as readable) r
  where not q.seqcycle and q.seqincrement > 0 and ${userSchema("n")}
    and (c.relpersistence = 'p' or not pg_is_in_recovery())
),
near as materialized (
  select * from s
  where not s.readable or s.last_value >= :sequenceWarningShare * least(s.max_value, 32767)
),
judged as (
  select distinct on (s.oid) s.*,
    case when t.oid is not null then format('%I.%I', n.nspname, t.relname) end as table_name, a.attname as column_name,
    format_type(a.atttypid, null) as type,
    least(s.max_value, case a.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
      else 9223372036854775807 end)::float8 as limit_value
  from near s
  left join lateral (
    select d.refobjid as relation, d.refobjsubid as number
    from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i') and d.refobjsubid > 0
    union
    select f.adrelid, f.adnum
    from pg_depend d join pg_attrdef f on f.oid = d.objid
    where d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid and d.classid = 'pg_attrdef'::regclass
  ) u on true
  left join pg_class t on t.oid = u.relation
  left join pg_namespace n on n.oid = t.relnamespace
  left join pg_attribute a on a.attrelid = u.relation and a.attnum = u.number
  order by s.oid, a.attlen, t.oid
)
select format('%I.%I', j.schemaname, j.sequencename) as sequence,
  case when j.column_name is not null then format('%s.%I', j.table_name, j.column_name) end as column_of, j.type,
  j.last_value, j.limit_value, j.sequences::float8 as sequences,
  array_remove(array[
    case when j.type in ('smallint', 'integer')
      then format('alter table %s alter column %I type bigint;', j.table_name, j.column_name) end,
    case when j.data_type <> 'bigint' or j.max_value < 9223372036854775807
      then format('alter sequence %I.%I as bigint maxvalue 9223372036854775807;', j.schemaname, j.sequencename) end
  ], null) as fix
from judged j
where not j.readable or j.last_value / j.limit_value >= :sequenceWarningShare
order by j.readable desc, j.last_value / j.limit_value desc nulls last
limit ${ROWS_MAX}`,
  judge(rows, { thresholds }) {
    const hidden = rows.filter((row) => row.last_value === null).length;
    const all = rows[0]?.sequences ?? 0;
    const verdicts = rows.flatMap((row) => {
      if (row.last_value === null) return [];
      const used = row.last_value / row.limit_value;
      return [
        {
          severity:
            used >= thresholds.sequenceCriticalShare ? ("critical" as const) : ("warning" as const),
          title: `Sequence ${row.sequence} has used up ${percent(used)} of its values`,
          subject: row.sequence,
          evidence: known([
            share("Used", used),
            row.column_of === null ? undefined : { label: "Column", value: row.column_of },
            row.type === null ? undefined : { label: "Type", value: row.type },
            count("Values left", row.limit_value - row.last_value),
          ]),
          fix: sqlFix(
            row.fix,
            "Changing the type rewrites the table under an exclusive lock. On a large table: add a bigint column, fill it in batches with a trigger for new rows, then swap the two; foreign keys need the same.",
          ),
        },
      ];
    });
    if (hidden === 0) return { verdicts };
    const share_ = hidden >= ROWS_MAX ? 0 : 1 - hidden / Math.max(all, 1);
    return { verdicts, unseen: { share: share_, because: hiddenBecause(hidden) } };
  },
};

function hiddenBecause(hidden: number): string {
  const many = hidden >= ROWS_MAX ? `at least ${hidden}` : String(hidden);
  return `${many} ${plural(hidden, "sequence", "sequences").replace(/^\d+ /, "")} may not be read by this role: grant select on the sequences, or pg_read_all_data`;
}
