import { endSession, msSince, OTHER_SESSIONS, SESSION_TEXT } from "../sql.ts";
import { type HealthCheck, ROWS_MAX, type Verdict } from "../types.ts";
import {
  count,
  known,
  ms,
  percent,
  sessionName,
  share,
  spoken,
  sqlFix,
  statementEvidence,
} from "../verdict.ts";

interface ConnectionsRow {
  readonly used: number;
  readonly usable: number;
  readonly active: number;
  readonly idle: number;
  readonly in_transaction: number;
}

export const connections: HealthCheck<ConnectionsRow> = {
  id: "health/connections",
  looksAt: "Connections in use",
  why: "When all are taken, new connections are refused: the application stops, and often nobody can log in to see why.",
  needs: "statistics",
  thresholds: ["connectionsWarningShare", "connectionsCriticalShare"],
  sql: () => `select count(*)::float8 as used,
  count(*) filter (where a.state = 'active')::float8 as active,
  count(*) filter (where a.state = 'idle')::float8 as idle,
  count(*) filter (where a.state like 'idle in transaction%')::float8 as in_transaction,
  (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int)::float8 as usable
from pg_stat_activity a
where a.backend_type = 'client backend'`,
  judge(rows, { thresholds }) {
    const row = rows[0];
    if (row === undefined || row.usable <= 0) return { verdicts: [] };
    const used = row.used / row.usable;
    if (used < thresholds.connectionsWarningShare) return { verdicts: [] };
    const verdict: Verdict = {
      severity: used >= thresholds.connectionsCriticalShare ? "critical" : "warning",
      title: `${row.used} of ${row.usable} connections are in use (${percent(used)})`,
      subject: "max_connections",
      evidence: [
        count("In use", row.used),
        count("Usable by ordinary roles", row.usable),
        share("Share", used),
        count("Active", row.active),
        count("Idle", row.idle),
        count("Idle in a transaction", row.in_transaction),
      ],
      fix: sqlFix(
        [
          "select usename, application_name, state, count(*) from pg_stat_activity where backend_type = 'client backend' group by 1, 2, 3 order by 4 desc;",
        ],
        "See who holds them, then give each application's pool a smaller maximum or put PgBouncer in front; raise max_connections (a restart) only when most of them are active.",
      ),
    };
    return { verdicts: [verdict] };
  },
};

interface SessionRow {
  readonly pid: number;
  readonly role: string | null;
  readonly application: string | null;
  readonly state: string;
  readonly ms: number;
  readonly transaction_ms: number | null;
  readonly query: string | null;
  readonly fix: string;
}

function sessionSql(kind: "cancel" | "terminate", since: string, where: string): string {
  return `select a.pid, a.usename::text as role, a.application_name as application, a.state,
  ${msSince(since)} as ms,
  ${msSince("a.xact_start")} as transaction_ms,
  ${SESSION_TEXT} as query,
  ${endSession(kind)} as fix
from pg_stat_activity a
where ${OTHER_SESSIONS}
  and ${where}
order by ${since}
limit ${ROWS_MAX}`;
}

function sessionEvidence(row: SessionRow, since: string, statement: string): Verdict["evidence"] {
  return known([
    ms(since, row.ms),
    row.transaction_ms === null ? undefined : ms("Transaction open", row.transaction_ms),
    { label: "State", value: row.state },
    row.role === null ? undefined : { label: "Role", value: row.role },
    row.application ? { label: "Application", value: row.application } : undefined,
    statementEvidence(statement, row.query),
  ]);
}

export const idleInTransaction: HealthCheck<SessionRow> = {
  id: "health/idle-in-transaction",
  looksAt: "Transactions left open by idle sessions",
  why: "An open transaction keeps its locks and stops vacuum from removing rows that died since it began, in every table; its connection is lost to the pool.",
  needs: "statistics",
  thresholds: ["idleInTransactionWarningMs", "idleInTransactionCriticalMs"],
  sql: () =>
    sessionSql(
      "terminate",
      "a.state_change",
      `a.state like 'idle in transaction%' and ${msSince("a.state_change")} >= :idleInTransactionWarningMs`,
    ),
  judge: (rows, { thresholds }) => ({
    verdicts: rows.map((row) => ({
      severity: row.ms >= thresholds.idleInTransactionCriticalMs ? "critical" : "warning",
      title: `A transaction has been left open and idle for ${spoken(row.ms)}`,
      subject: sessionName(row.pid, row.application),
      evidence: sessionEvidence(row, "Idle in the transaction", "Its last statement"),
      fix: sqlFix(
        [row.fix],
        "This ends the session. For good: end the transaction on every path of the code (commit, or roll back on errors), and set idle_in_transaction_session_timeout.",
      ),
    })),
  }),
};

/** Work that takes long by its nature. */
const MAINTENANCE =
  "^\\s*(/\\*.*?\\*/\\s*)?(vacuum|analyze|create\\s+(unique\\s+)?index|reindex|cluster|copy|refresh\\s+materialized|alter)\\M";

export const longRunning: HealthCheck<SessionRow> = {
  id: "health/long-running",
  looksAt: "Statements that run for long",
  why: "A long statement holds its snapshot, so that vacuum cannot clean up behind it, and takes CPU, I/O and a connection from everyone else.",
  needs: "statistics",
  thresholds: ["longRunningWarningMs", "longRunningCriticalMs"],
  sql: () =>
    sessionSql(
      "cancel",
      "a.query_start",
      `a.state = 'active' and ${msSince("a.query_start")} >= :longRunningWarningMs
  and a.wait_event_type is distinct from 'Lock'
  and a.application_name not like 'pg\\_dump%' and a.application_name not like 'pg\\_restore%'
  and a.query !~* '${MAINTENANCE}' and a.query not like '%hasten-doctor: expected%'`,
    ),
  judge: (rows, { thresholds }) => ({
    verdicts: rows.map((row) => ({
      severity: row.ms >= thresholds.longRunningCriticalMs ? "critical" : "warning",
      title: `A statement has been running for ${spoken(row.ms)}`,
      subject: sessionName(row.pid, row.application),
      evidence: sessionEvidence(row, "Running", "Statement"),
      fix: sqlFix(
        [row.fix],
        "This cancels the statement. See its plan before it comes back; a statement that is meant to take long can say so with the comment /* hasten-doctor: expected */.",
      ),
    })),
  }),
};

interface PreparedRow {
  readonly gid: string;
  readonly owner: string;
  readonly ms: number;
  readonly fix: string;
}

export const preparedTransactions: HealthCheck<PreparedRow> = {
  id: "health/prepared-transaction",
  looksAt: "Prepared transactions nobody finished",
  why: "A prepared transaction belongs to no session: it keeps its locks and holds vacuum back through restarts, until somebody commits it or rolls it back.",
  needs: "nothing",
  thresholds: ["preparedTransactionWarningMs", "preparedTransactionCriticalMs"],
  sql: () => `select p.gid, p.owner::text as owner, ${msSince("p.prepared")} as ms,
  format('rollback prepared %L;', p.gid) as fix
from pg_prepared_xacts p
where p.database = current_database() and ${msSince("p.prepared")} >= :preparedTransactionWarningMs
order by p.prepared
limit ${ROWS_MAX}`,
  judge: (rows, { thresholds }) => ({
    verdicts: rows.map((row) => ({
      severity: row.ms >= thresholds.preparedTransactionCriticalMs ? "critical" : "warning",
      title: `A prepared transaction has been waiting for ${spoken(row.ms)}`,
      subject: `prepared transaction ${row.gid}`,
      evidence: [ms("Prepared", row.ms), { label: "Owner", value: row.owner }],
      fix: sqlFix(
        [row.fix],
        "Ask its transaction manager first whether it is to be committed instead: commit prepared.",
      ),
    })),
  }),
};
