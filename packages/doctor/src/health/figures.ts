import { DoctorError } from "../errors.ts";
import type { Target } from "../target/types.ts";
import { BLOCK_BYTES, userSchema } from "./sql.ts";
import type { Counters, HealthFigures, TableFigure } from "./types.ts";

const TABLES_MAX = 20;

/** Sizes are the planner's page counts: asking the files would wait for locks. */
export const TABLES_SQL: string = `with largest as materialized (
  select c.oid, c.relname, n.nspname, c.relpages, c.reltoastrelid
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpages > 0 and ${userSchema("n")}
  order by c.relpages desc limit ${TABLES_MAX}
)
select format('%I.%I', l.nspname, l.relname) as "table",
  ((l.relpages + coalesce((select t.relpages from pg_class t where t.oid = l.reltoastrelid), 0)
    + coalesce((select sum(i.relpages) from pg_index x join pg_class i on i.oid = x.indexrelid
        where x.indrelid = l.oid), 0)) * ${BLOCK_BYTES})::float8 as bytes,
  pg_stat_get_live_tuples(l.oid)::float8 as rows,
  pg_stat_get_dead_tuples(l.oid)::float8 as "deadRows",
  pg_stat_get_numscans(l.oid)::float8 as "sequentialScans",
  pg_stat_get_tuples_returned(l.oid)::float8 as "sequentialRowsRead",
  coalesce((select sum(pg_stat_get_numscans(x.indexrelid)) from pg_index x
    where x.indrelid = l.oid), 0)::float8 as "indexScans"
from largest l
order by bytes desc`;

const SCANS_ROWS_MIN = 10_000;

export const SUMS_SQL: string = `with t as materialized (
  select c.oid, pg_stat_get_live_tuples(c.oid)::float8 as live,
    pg_stat_get_dead_tuples(c.oid)::float8 as dead,
    pg_stat_get_numscans(c.oid)::float8 as scans
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and ${userSchema("n")}
)
select sum(t.live) as live, sum(t.dead) as dead,
  sum(t.scans) filter (where t.live >= ${SCANS_ROWS_MIN}) as "sequentialScans",
  sum((select sum(pg_stat_get_numscans(x.indexrelid)) from pg_index x where x.indrelid = t.oid))
    filter (where t.live >= ${SCANS_ROWS_MIN})::float8 as "indexScans",
  (select sum(c.relpages) * ${BLOCK_BYTES} from pg_class c
    where c.relkind in ('r', 'm', 'i', 't')) as "databaseBytes"
from t`;

const SESSIONS_SQL = `select
  count(*) filter (where a.backend_type = 'client backend')::float8 as used,
  count(*) filter (where a.wait_event_type = 'Lock' and a.datname = current_database())::float8 as waiting,
  (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int)::float8 as usable
from pg_stat_activity a`;

/** Figures that cannot be read are undefined or empty. */
export async function readFigures(
  target: Target,
  counters: Counters | undefined,
): Promise<HealthFigures> {
  const tables = await rowsOrNone<TableFigure>(target, TABLES_SQL);
  const [sums] = await rowsOrNone<Record<string, number | null>>(target, SUMS_SQL);
  const [sessions] = target.rights.statistics
    ? await rowsOrNone<{ used: number; waiting: number; usable: number }>(target, SESSIONS_SQL)
    : [];
  const scans = (sums?.["indexScans"] ?? 0) + (sums?.["sequentialScans"] ?? 0);
  const all = (sums?.["live"] ?? 0) + (sums?.["dead"] ?? 0);
  const pages = counters === undefined ? 0 : counters.pagesHit + counters.pagesRead;
  return {
    cacheHitShare: counters === undefined || pages === 0 ? undefined : counters.pagesHit / pages,
    indexScanShare: scans === 0 ? undefined : (sums?.["indexScans"] ?? 0) / scans,
    deadRowShare: all === 0 ? undefined : (sums?.["dead"] ?? 0) / all,
    databaseBytes: sums?.["databaseBytes"] ?? undefined,
    connections:
      sessions === undefined ? undefined : { used: sessions.used, usable: sessions.usable },
    waiting: sessions?.waiting,
    deadlocks: counters?.deadlocks,
    tables,
  };
}

async function rowsOrNone<Row extends object>(
  target: Target,
  text: string,
): Promise<readonly Row[]> {
  try {
    return await target.rows<Row>(text);
  } catch (error) {
    if (error instanceof DoctorError && error.code === "HST_DOCTOR_STATEMENT") return [];
    throw error;
  }
}
