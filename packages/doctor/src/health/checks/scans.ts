import { userSchema } from "../sql.ts";
import { type HealthCheck, ROWS_MAX } from "../types.ts";
import { advice, count, percent, rows as rowCount, share } from "../verdict.ts";

interface ScanRow {
  readonly table: string;
  readonly live: number;
  readonly scans: number;
  readonly rows_read: number;
  readonly index_scans: number;
}

export const sequentialScans: HealthCheck<ScanRow> = {
  id: "health/sequential-scans",
  looksAt: "Large tables that are read whole",
  why: "Each such scan reads every row to find a few; with an index it would read those alone.",
  needs: "nothing",
  thresholds: ["sequentialScansRowsMin", "sequentialScansShare", "sequentialScansRowsReadMin"],
  sql: () => `with t as materialized (
  select format('%I.%I', n.nspname, c.relname) as "table", pg_stat_get_live_tuples(c.oid)::float8 as live,
    pg_stat_get_numscans(c.oid)::float8 as scans, pg_stat_get_tuples_returned(c.oid)::float8 as rows_read,
    coalesce((select sum(pg_stat_get_numscans(x.indexrelid)) from pg_index x where x.indrelid = c.oid), 0)::float8 as index_scans
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and ${userSchema("n")}
    and pg_stat_get_live_tuples(c.oid) >= :sequentialScansRowsMin
    and pg_stat_get_tuples_returned(c.oid) >= :sequentialScansRowsReadMin
)
select t.* from t
where t.scans / greatest(t.scans + t.index_scans, 1) > :sequentialScansShare
order by t.rows_read desc
limit ${ROWS_MAX}`,
  judge: (rows) => ({
    verdicts: rows.map((row) => {
      const part = row.scans / Math.max(row.scans + row.index_scans, 1);
      return {
        severity: "info",
        title: `${percent(part)} of the scans of table ${row.table} read all of it`,
        subject: row.table,
        evidence: [
          rowCount("Live rows", row.live),
          count("Sequential scans", row.scans),
          count("Index scans", row.index_scans),
          share("Share", part),
          rowCount("Rows read by sequential scans", row.rows_read),
        ],
        fix: advice(
          "See the index advice of this report. Reports and dumps read tables whole by right.",
        ),
      };
    }),
  }),
};
