import type { Severity } from "../../finding.ts";
import type { HealthCheck, Judgement, Verdict } from "../types.ts";
import { sqlFix } from "../verdict.ts";

export interface SettingRow {
  readonly name: string;
  /** What new sessions get, before what a role or a database sets. */
  readonly value: string;
  /** Set when this session's connection or role has a value of its own, which hides the server's. */
  readonly hidden: boolean;
  /** Whether this database, or some role in it, has a value of its own that is not 0 or off. */
  readonly overridden: boolean;
}

interface SettingRule {
  readonly name: string;
  readonly bad: string;
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly better: string;
  readonly note?: string;
}

export const SETTINGS: readonly SettingRule[] = [
  {
    name: "fsync",
    bad: "off",
    severity: "critical",
    title: "fsync is off: a crash of the machine destroys the database",
    why: "Pages reach the disk in any order or not at all: after a power failure the files contradict each other and only a backup helps.",
    better: "on",
  },
  {
    name: "full_page_writes",
    bad: "off",
    severity: "critical",
    title: "full_page_writes is off: a crash can leave torn pages behind",
    why: "A page that was half written when the power failed cannot be repaired from the WAL.",
    better: "on",
  },
  {
    name: "autovacuum",
    bad: "off",
    severity: "critical",
    title: "autovacuum is off",
    why: "Dead rows stay, statistics grow old, and transaction ids run out until the server refuses to write.",
    better: "on",
  },
  {
    name: "track_counts",
    bad: "off",
    severity: "critical",
    title: "track_counts is off: autovacuum does not know what to do",
    why: "Autovacuum works by these counters, and so does most of this report.",
    better: "on",
  },
  {
    name: "zero_damaged_pages",
    bad: "on",
    severity: "critical",
    title: "zero_damaged_pages is on: damaged pages are emptied without an error",
    why: "Rows vanish silently instead of an error that makes you fetch the backup.",
    better: "off",
  },
  {
    name: "track_activities",
    bad: "off",
    severity: "warning",
    title: "track_activities is off: nobody sees what sessions do",
    why: "Long statements, open transactions and lock chains cannot be seen.",
    better: "on",
  },
  {
    name: "idle_in_transaction_session_timeout",
    bad: "0",
    severity: "info",
    title: "Nothing ends transactions that are left open",
    why: "One forgotten transaction keeps its locks and holds vacuum back until somebody finds it.",
    better: "60s",
  },
  {
    name: "statement_timeout",
    bad: "0",
    severity: "info",
    title: "Nothing ends statements that run away",
    why: "A statement whose client has gone runs on, and a few of them take the server down.",
    better: "30s",
    note: "Set it for the application's role; migrations and reports set their own: alter role … set statement_timeout.",
  },
  {
    name: "track_io_timing",
    bad: "off",
    severity: "info",
    title: "track_io_timing is off: plans do not show the time spent on reads",
    why: "Without it nobody can tell a slow disk from a slow plan. On today's machines it costs next to nothing (pg_test_timing tells).",
    better: "on",
  },
];

const NAMES = SETTINGS.map((rule) => `'${rule.name}'`).join(", ");

export const settings: HealthCheck<SettingRow> = {
  id: "health/settings",
  looksAt: "Settings that put data or the service at risk",
  why: "See each.",
  needs: "nothing",
  thresholds: [],
  sql: () => `with own as (
  select c.line, r.setrole = me.oid as mine
  from pg_db_role_setting r
  join pg_database d on d.datname = current_database() and r.setdatabase in (0, d.oid)
  join pg_roles me on me.rolname = session_user
  cross join unnest(r.setconfig) c (line)
)
select s.name, s.reset_val as value,
  s.source = 'client' or exists (select from own where own.mine and starts_with(own.line, s.name || '=')) as hidden,
  exists (select from own where not own.mine and starts_with(own.line, s.name || '=')
    and split_part(own.line, '=', 2) not in ('0', 'off', 'false', 'no')) as overridden
from pg_settings s
where s.name in (${NAMES})
order by s.name`,
  judge(rows) {
    const byName = new Map(rows.map((row) => [row.name, row]));
    const hidden = rows.filter((row) => row.hidden);
    const verdicts = SETTINGS.flatMap((rule) => {
      const row = byName.get(rule.name);
      const bad = row !== undefined && !row.hidden && row.value === rule.bad;
      if (!bad || (row.overridden && rule.severity === "info")) return [];
      return [verdictOf(rule, row)];
    });
    if (hidden.length === 0) return { verdicts };
    const names = hidden.map((row) => row.name).join(", ");
    const unseen: Judgement["unseen"] = {
      share: 1 - hidden.length / SETTINGS.length,
      because: `this session or its role has its own ${names}, which hides the server's`,
    };
    return { verdicts, unseen };
  },
};

function verdictOf(rule: SettingRule, row: SettingRow): Verdict {
  return {
    severity: rule.severity,
    title: rule.title,
    subject: rule.name,
    evidence: [{ label: rule.name, value: row.value }],
    why: rule.why,
    fix: sqlFix(
      [`alter system set ${rule.name} = '${rule.better}';`, "select pg_reload_conf();"],
      rule.note,
    ),
  };
}
