import { CHECKS } from "./checks/all.ts";
import { countersSql } from "./counters.ts";
import { SUMS_SQL, TABLES_SQL } from "./figures.ts";
import { SESSION_TEXT } from "./sql.ts";
import { THRESHOLDS } from "./thresholds.ts";
import type { HealthCheck, Server } from "./types.ts";

const MAJORS = [18, 17, 16, 15, 14] as const;

const HEADER = `-- Health checks of PostgreSQL 14 to 18 for psql, generated from the checks of hasten-doctor by
--   node --conditions=hasten-source packages/doctor/sql/generate.ts
-- Run it with: psql -X -f health.sql <url>
-- It only reads catalogs and statistics. Each section shows what deserves a look and, as "fix", the
-- statement that helps; no rows: nothing found. Some sections show rows to judge by yourself.
-- docs/health-checks.md says what each means. A role needs pg_monitor to see other sessions.
-- Thresholds can be given: psql -v longRunningWarningMs=10000 -f health.sql

\\set ON_ERROR_STOP off
\\set QUIET on
\\pset footer off
\\pset null '-'
\\x auto
begin read only;
set local search_path = pg_catalog;
set local statement_timeout = '5s';
set local lock_timeout = '200ms';
\\set ON_ERROR_ROLLBACK on
`;

/** The psql script; the same for everyone, so that it can be checked for being current. */
export function healthScript(): string {
  const thresholds = Object.entries(THRESHOLDS).map(
    ([name, value]) => `\\if :{?${name}}\n\\else\n  \\set ${name} ${value}\n\\endif`,
  );
  const majors = MAJORS.slice(0, -1)
    .map((major) => `current_setting('server_version_num')::int >= ${major}0000 as pg${major}`)
    .join(",\n  ");
  return [
    HEADER,
    ...thresholds,
    `\nselect ${majors},
  exists (select from pg_extension where extname = 'pg_stat_statements') as has_pg_stat_statements,
  coalesce((select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements'), 'public') as pg_stat_statements \\gset\n`,
    ...CHECKS.map(section),
    heading(
      "Counters since their reset",
      "Ratios and rates of these are judged by hasten-doctor between two readings.",
    ),
    `\\if :has_pg_stat_statements\n${versions((major) => countersSql(serverOf(major, true)))}\\else\n${versions((major) => countersSql(serverOf(major, false)))}\\endif\n`,
    heading(
      "The largest tables",
      "Sizes as of the last vacuum or analyze, indexes and TOAST included.",
    ),
    `${TABLES_SQL};\n`,
    heading(
      "All tables together",
      "Good: dead below 5 % of live and dead, index scans above 95 % of the scans of tables of at least 10,000 rows, pages hit above 90 %.",
    ),
    `${SUMS_SQL};\n`,
    "rollback;\n",
  ].join("\n");
}

function section(check: HealthCheck): string {
  return `${heading(check.looksAt, check.why)}\n${versions((major) => check.sql(serverOf(major, true)))}`;
}

function heading(title: string, text: string): string {
  return `\\echo\n\\echo '== ${quoted(title)}'\n\\echo '${quoted(text)}'`;
}

const quoted = (text: string): string => text.replaceAll("'", "''");

function serverOf(major: number, statements: boolean): Server {
  return {
    major,
    extensions: new Map(statements ? [["pg_stat_statements", "public"]] : []),
  };
}

/** One text where all versions share it, otherwise a choice by version. */
function versions(sql: (major: number) => string): string {
  const texts = new Map<string, number>();
  for (const major of MAJORS) texts.set(hideSessions(sql(major)), major);
  const choices = [...texts];
  if (choices.length === 1) return `${choices[0]![0]};\n`;
  const parts = choices.map(([text, oldest], at) => {
    const last = at === choices.length - 1;
    const guard = last ? "\\else" : `${at === 0 ? "\\if" : "\\elif"} :pg${oldest}`;
    return `${guard}\n${text};\n`;
  });
  return `${parts.join("")}\\endif\n`;
}

/** Statements of sessions hold data: the script does not print them. */
function hideSessions(text: string): string {
  return text.replaceAll(`${SESSION_TEXT} as query`, "null::text as query");
}
