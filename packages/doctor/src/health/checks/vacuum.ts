import { COUNTERS_MS, msSince, reloption, userSchema } from "../sql.ts";
import { type HealthCheck, ROWS_MAX } from "../types.ts";
import { capital, count, known, ms, rows as rowCount, share, spoken, sqlFix } from "../verdict.ts";

/** When it was last done, or else how long that could not have escaped the counters. */
function lag(manual: string, automatic: string): string {
  return `coalesce(${msSince(`greatest(${manual}(c.oid), ${automatic}(c.oid))`)}, ${COUNTERS_MS})`;
}

interface DeadRow {
  readonly table: string;
  readonly dead: number;
  readonly live: number;
  readonly trigger: number;
  readonly lag_ms: number;
  readonly never: boolean;
  readonly fix: string;
}

export const deadRows: HealthCheck<DeadRow> = {
  id: "health/dead-rows",
  looksAt: "Dead rows that vacuum did not remove",
  why: "Scans read dead rows and skip them, indexes point at them, and the table grows instead of using their space.",
  needs: "nothing",
  thresholds: ["deadRowsMin", "vacuumLagMs"],
  sql({ major }) {
    const max =
      major >= 18
        ? `least(d.base, nullif(${reloption("d", "autovacuum_vacuum_max_threshold")}, -1))`
        : "d.base";
    return `with d as materialized (
  select c.oid, c.relname, n.nspname, c.reloptions, pg_stat_get_dead_tuples(c.oid)::float8 as dead,
    pg_stat_get_live_tuples(c.oid)::float8 as live,
    ${reloption("c", "autovacuum_vacuum_threshold")}
      + ${reloption("c", "autovacuum_vacuum_scale_factor")} * greatest(c.reltuples, 0) as base,
    ${lag("pg_stat_get_last_vacuum_time", "pg_stat_get_last_autovacuum_time")} as lag_ms,
    greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) is null as never
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and pg_stat_get_dead_tuples(c.oid) >= :deadRowsMin and ${userSchema("n")}
)
select format('%I.%I', d.nspname, d.relname) as "table", d.dead, d.live, ${max}::float8 as trigger,
  d.lag_ms, d.never, format('vacuum (verbose, analyze) %I.%I;', d.nspname, d.relname) as fix
from d
where d.dead > ${max} and d.lag_ms >= :vacuumLagMs
order by d.dead desc
limit ${ROWS_MAX}`;
  },
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: `Table ${row.table} holds ${Math.round(row.dead)} dead rows that vacuum did not remove`,
      subject: row.table,
      evidence: [
        rowCount("Dead rows", row.dead),
        rowCount("Live rows", row.live),
        share("Dead share", row.dead / Math.max(row.dead + row.live, 1)),
        rowCount("Autovacuum's trigger", row.trigger),
        ms(
          row.never ? "Never vacuumed, counted for at least" : "Since the last vacuum",
          row.lag_ms,
        ),
      ],
      fix: sqlFix(
        [row.fix],
        "When it removes nothing, something old still may see the rows: see health/xmin-holder. For a table that changes much, lower autovacuum_vacuum_scale_factor with alter table … set.",
      ),
    })),
  }),
};

interface AnalyzeRow {
  readonly table: string;
  readonly modified: number;
  readonly live: number;
  readonly trigger: number;
  readonly lag_ms: number;
  readonly never: boolean;
  readonly fix: string;
}

export const analyzeLag: HealthCheck<AnalyzeRow> = {
  id: "health/analyze-lag",
  looksAt: "Statistics that are out of date",
  why: "The planner guesses by statistics: with old ones it picks plans for a table that no longer is.",
  needs: "nothing",
  thresholds: ["analyzeLagTriggers", "analyzeLagRowsMin", "analyzeLagMs"],
  sql: () => `with c as materialized (
  select c.oid, c.relname, n.nspname, pg_stat_get_mod_since_analyze(c.oid)::float8 as modified,
    pg_stat_get_live_tuples(c.oid)::float8 as live,
    ${reloption("c", "autovacuum_analyze_threshold")}
      + ${reloption("c", "autovacuum_analyze_scale_factor")} * greatest(c.reltuples, 0) as trigger,
    ${lag("pg_stat_get_last_analyze_time", "pg_stat_get_last_autoanalyze_time")} as lag_ms,
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) is null as never
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and pg_stat_get_mod_since_analyze(c.oid) >= :analyzeLagRowsMin
    and ${userSchema("n")}
)
select format('%I.%I', c.nspname, c.relname) as "table", c.modified, c.live, c.trigger, c.lag_ms, c.never,
  format('analyze (verbose) %I.%I;', c.nspname, c.relname) as fix
from c
where c.modified > :analyzeLagTriggers * c.trigger and c.lag_ms >= :analyzeLagMs
order by c.modified desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: row.never
        ? `Table ${row.table} has never been analysed`
        : `The statistics of table ${row.table} are out of date`,
      subject: row.table,
      evidence: [
        rowCount("Changed since", row.modified),
        rowCount("Live rows", row.live),
        rowCount("Autovacuum's trigger", row.trigger),
        ms(row.never ? "Counted for at least" : "Since the last analyze", row.lag_ms),
      ],
      fix: sqlFix([row.fix]),
    })),
  }),
};

interface DisabledRow {
  readonly table: string;
  readonly live: number;
  readonly fix: string;
}

export const autovacuumDisabled: HealthCheck<DisabledRow> = {
  id: "health/autovacuum-disabled",
  looksAt: "Tables with autovacuum switched off",
  why: "Dead rows stay, statistics grow old, and only the emergency vacuum against wraparound still comes, at the worst time.",
  needs: "nothing",
  thresholds: [],
  sql: () => `select format('%I.%I', n.nspname, c.relname) as "table",
  pg_stat_get_live_tuples(c.oid)::float8 as live,
  format('alter table %I.%I reset (autovacuum_enabled);', n.nspname, c.relname) as fix
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.reloptions is not null and ${userSchema("n")}
  and exists (select from pg_options_to_table(c.reloptions) o
    where o.option_name = 'autovacuum_enabled' and not o.option_value::boolean)
order by c.relpages desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: `Autovacuum is switched off for table ${row.table}`,
      subject: row.table,
      evidence: [rowCount("Live rows", row.live)],
      fix: sqlFix([row.fix]),
    })),
  }),
};

interface HolderRow {
  readonly kind: "session" | "replica" | "slot" | "prepared transaction";
  readonly name: string;
  readonly application: string | null;
  readonly age: number;
  readonly ms: number | null;
  readonly fix: string;
}

/** A holder that shows its age only in transaction ids (a slot) has no time. */
export const xminHolder: HealthCheck<HolderRow> = {
  id: "health/xmin-holder",
  looksAt: "What holds vacuum back",
  why: "Vacuum removes no row that somebody might still see: everything that died since this snapshot stays, in every table, and ids are not freed.",
  needs: "statistics",
  thresholds: ["xminHolderMs", "xminHolderXids"],
  sql: () => `with h as (
  select case when a.backend_type = 'walsender' then 'replica' else 'session' end as kind, a.pid::text as name,
    a.application_name as application,
    greatest(age(a.backend_xmin), age(a.backend_xid))::float8 as age, ${msSince("a.xact_start")} as ms,
    format('select pg_terminate_backend(pid) from pg_stat_activity where pid = %s and backend_start = %L;', a.pid, a.backend_start) as fix
  from pg_stat_activity a
  where (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
    and (a.datname = current_database() or a.datname is null)
    and a.backend_type in ('client backend', 'walsender')
  union all
  select 'slot', s.slot_name::text, null, greatest(age(s.xmin), age(s.catalog_xmin))::float8, null,
    format('select pg_drop_replication_slot(%L);', s.slot_name)
  from pg_replication_slots s
  where not s.active and (s.xmin is not null or s.catalog_xmin is not null)
  union all
  select 'prepared transaction', p.gid, p.owner::text, age(p.transaction)::float8, ${msSince("p.prepared")},
    format('rollback prepared %L;', p.gid)
  from pg_prepared_xacts p
  where p.database = current_database()
)
select h.* from h
where h.ms >= :xminHolderMs or h.age >= :xminHolderXids
order by h.age desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: `${capital(row.kind)} ${row.name} keeps vacuum from removing rows${row.ms === null ? "" : ` that died in the last ${spoken(row.ms)}`}`,
      subject: `${row.kind} ${row.name}`,
      evidence: known([
        { label: "Holder", value: row.kind },
        row.application ? { label: "Application or owner", value: row.application } : undefined,
        { label: "Age", value: row.age, unit: "xids" },
        row.ms === null ? undefined : ms("For", row.ms),
      ]),
      fix: sqlFix(
        [row.fix],
        row.kind === "replica"
          ? "A standby with hot_standby_feedback asks for this: end the long query there instead."
          : "Make sure first that nobody needs it.",
      ),
    })),
  }),
};

interface WraparoundRow {
  readonly name: string;
  readonly own: boolean;
  readonly kind: "transaction" | "multixact";
  readonly age: number;
  readonly usable: number;
  readonly table: string | null;
  readonly fix: string | null;
}

/** The server stops three million ids before the end. */
const USABLE_IDS = "2144483647";

export const wraparound: HealthCheck<WraparoundRow> = {
  id: "health/wraparound",
  looksAt: "Transaction ids before wraparound",
  why: "When they run out the server refuses every write until a vacuum of the whole database is done, which takes hours.",
  needs: "nothing",
  thresholds: ["wraparoundWarningShare", "wraparoundCriticalShare"],
  sql: () => `with d as (
  select d.datname, 'transaction' as kind, age(d.datfrozenxid)::float8 as age from pg_database d
  union all
  select d.datname, 'multixact', mxid_age(d.datminmxid)::float8 from pg_database d
)
select d.datname::text as name, d.datname = current_database() as own, d.kind, d.age, ${USABLE_IDS}::float8 as usable,
  o.name as "table",
  case when o.name is not null then format('vacuum (freeze, verbose) %s;', o.name) end as fix
from d
left join lateral (
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join pg_class t on t.oid = c.reltoastrelid
  where c.relkind in ('r', 'm') and d.datname = current_database()
  order by case d.kind when 'transaction' then greatest(age(c.relfrozenxid), age(t.relfrozenxid))
    else greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) end desc
  limit 1) o on true
where d.age / ${USABLE_IDS} >= :wraparoundWarningShare
order by d.age desc
limit ${ROWS_MAX}`,
  judge: (rows, { thresholds }) => ({
    verdicts: rows.map((row) => {
      const used = row.age / row.usable;
      return {
        severity: used >= thresholds.wraparoundCriticalShare ? "critical" : "warning",
        title: `Database ${row.name} has used ${Math.floor(used * 100)} % of its ${row.kind} ids`,
        subject: `database ${row.name}`,
        evidence: known([
          { label: "Age", value: row.age, unit: "xids" },
          share("Of what is usable", used),
          row.table === null ? undefined : { label: "Oldest table", value: row.table },
          count("Left", row.usable - row.age),
        ]),
        fix: sqlFix(
          row.fix === null ? ["vacuum (freeze, verbose);"] : [row.fix],
          row.own
            ? "Then the next oldest. Find out why autovacuum did not: see health/xmin-holder and autovacuum's cost limits."
            : `To be run in database ${row.name}.`,
        ),
      };
    }),
  }),
};
