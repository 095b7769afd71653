import type { HealthCheck } from "../types.ts";
import { sqlFix } from "../verdict.ts";

interface Row {
  readonly loaded: boolean | null;
  readonly created: boolean;
}

/** Without it there is no workload to advise on: said once, as a remark. */
export const statementStatistics: HealthCheck<Row> = {
  id: "health/statement-statistics",
  looksAt: "pg_stat_statements",
  why: "Without it nobody knows which statements take the server's time: neither slow statements nor index advice can be told.",
  needs: "statistics",
  thresholds: [],
  sql: () => `select
  nullif(current_setting('shared_preload_libraries', true), '') is not null
    and current_setting('shared_preload_libraries', true) like '%pg\\_stat\\_statements%' as loaded,
  exists (select from pg_extension e where e.extname = 'pg_stat_statements') as created`,
  judge(rows) {
    const row = rows[0];
    if (row === undefined || (row.loaded && row.created)) return { verdicts: [] };
    const load = [
      "alter system set shared_preload_libraries = 'pg_stat_statements';",
      "-- restart the server",
    ];
    return {
      verdicts: [
        {
          severity: "info",
          title: row.loaded
            ? "pg_stat_statements is loaded, but not created in this database"
            : "pg_stat_statements is not loaded",
          subject: "pg_stat_statements",
          evidence: [
            { label: "Loaded by the server", value: row.loaded ? "yes" : "no" },
            { label: "Created in this database", value: row.created ? "yes" : "no" },
          ],
          fix: sqlFix(
            [
              ...(row.loaded ? [] : load),
              ...(row.created ? [] : ["create extension pg_stat_statements;"]),
            ],
            row.loaded
              ? undefined
              : "Add it to the libraries that are there already; managed services have it in their parameter group.",
          ),
        },
      ],
    };
  },
};
