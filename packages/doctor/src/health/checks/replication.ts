import type { Severity } from "../../finding.ts";
import { msSince } from "../sql.ts";
import { type HealthCheck, ROWS_MAX } from "../types.ts";
import { bytes, count, known, ms, share, spoken, sqlFix } from "../verdict.ts";

const CURRENT_LSN =
  "case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end";

export interface SlotRow {
  readonly name: string;
  readonly type: string;
  readonly active: boolean;
  readonly status: string | null;
  readonly retained: number | null;
  readonly keep: number | null;
  readonly inactive_ms: number | null;
  readonly fix: string;
}

export const replicationSlots: HealthCheck<SlotRow> = {
  id: "health/replication-slot",
  looksAt: "Replication slots that nobody reads",
  why: "A slot keeps every bit of WAL since it was last read: the disk fills up and the server stops; a logical one holds vacuum back as well.",
  needs: "nothing",
  thresholds: ["slotInactiveMs", "slotKeepShare", "slotRetainedBytes"],
  sql: ({
    major,
  }) => `select s.slot_name::text as name, s.slot_type as type, s.active, s.wal_status as status,
  pg_wal_lsn_diff(${CURRENT_LSN}, s.restart_lsn)::float8 as retained,
  (select nullif(p.setting, '-1')::float8 * 1024 * 1024 from pg_settings p where p.name = 'max_slot_wal_keep_size') as keep,
  ${major >= 17 ? `case when not s.active then ${msSince("s.inactive_since")} end` : "null::float8"} as inactive_ms,
  format('select pg_drop_replication_slot(%L);', s.slot_name) as fix
from pg_replication_slots s
where not s.temporary
order by retained desc nulls last
limit ${ROWS_MAX}`,
  judge: (rows, { thresholds }) => ({
    verdicts: rows.flatMap((row) => {
      const retained = row.retained ?? 0;
      const kept = row.keep === null ? 0 : retained / Math.max(row.keep, 1);
      const idle = !row.active && (row.inactive_ms ?? 0) >= thresholds.slotInactiveMs;
      const near = kept >= thresholds.slotKeepShare;
      const much =
        !row.active &&
        (row.keep === null || row.inactive_ms === null) &&
        retained >= thresholds.slotRetainedBytes;
      const severity = slotSeverity(row.status, idle || near || much);
      if (severity === undefined) return [];
      return [
        {
          severity,
          title:
            row.status === "lost"
              ? `Replication slot ${row.name} is lost: WAL that it needs has been removed`
              : `Replication slot ${row.name} keeps WAL that nobody reads`,
          subject: `slot ${row.name}`,
          evidence: known([
            { label: "Type", value: row.type },
            { label: "Active", value: row.active ? "yes" : "no" },
            row.status === null ? undefined : { label: "WAL", value: row.status },
            bytes("Retained", retained),
            row.keep === null ? { label: "Limit", value: "none" } : bytes("Limit", row.keep),
            row.keep === null ? undefined : share("Of the limit", kept),
            row.inactive_ms === null ? undefined : ms("Inactive for", row.inactive_ms),
          ]),
          fix: sqlFix(
            [row.fix],
            "When its reader is gone for good; else start the reader again. max_slot_wal_keep_size bounds what a slot may keep.",
          ),
        },
      ];
    }),
  }),
};

/** "extended" alone is within what was asked for: wal_keep_size or the slot's own limit. */
function slotSeverity(status: string | null, tooMuch: boolean): Severity | undefined {
  if (status === "lost" || status === "unreserved") return "critical";
  return tooMuch ? "warning" : undefined;
}

interface ReplicaRow {
  readonly name: string;
  readonly state: string | null;
  readonly lag_ms: number | null;
  readonly lag_bytes: number | null;
  readonly standby: boolean;
}

/** On a primary, one row for each replica; on a replica, one for itself. */
export const replicaLag: HealthCheck<ReplicaRow> = {
  id: "health/replica-lag",
  looksAt: "Replicas that lag behind",
  why: "Reads there are old, and after a fail-over what was not replayed is missing or takes that long to come.",
  needs: "statistics",
  thresholds: ["replicaLagWarningMs", "replicaLagCriticalMs", "replicaLagCriticalBytes"],
  sql: () => `select coalesce(nullif(r.application_name, ''), host(r.client_addr), r.pid::text) as name, r.state,
  (extract(epoch from r.replay_lag) * 1000)::float8 as lag_ms,
  pg_wal_lsn_diff(${CURRENT_LSN}, r.replay_lsn)::float8 as lag_bytes, false as standby
from pg_stat_replication r
where r.state is distinct from 'backup'
union all
select 'this server', 'standby',
  case when pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
    then ${msSince("pg_last_xact_replay_timestamp()")} else 0 end,
  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8, true
where pg_is_in_recovery()
order by 4 desc nulls last
limit ${ROWS_MAX}`,
  judge: (rows, { thresholds }) => ({
    verdicts: rows.flatMap((row) => {
      const lagMs = row.lag_ms ?? 0;
      const lagBytes = row.lag_bytes ?? 0;
      const critical =
        lagMs >= thresholds.replicaLagCriticalMs || lagBytes >= thresholds.replicaLagCriticalBytes;
      if (!critical && lagMs < thresholds.replicaLagWarningMs) return [];
      return [
        {
          severity: critical ? ("critical" as const) : ("warning" as const),
          title: row.standby
            ? `This replica is ${spoken(lagMs)} behind its primary`
            : `Replica ${row.name} is ${spoken(lagMs)} behind`,
          subject: row.standby ? "this server" : `replica ${row.name}`,
          evidence: known([
            ms("Behind", lagMs),
            bytes("WAL to replay", lagBytes),
            row.state === null ? undefined : { label: "State", value: row.state },
          ]),
          fix: sqlFix(
            [
              "select application_name, state, sent_lsn, write_lsn, flush_lsn, replay_lsn, replay_lag from pg_stat_replication;",
            ],
            "Sent behind: network. Flushed behind: its disk. Replayed behind: a long query there that holds replay up (pg_stat_activity on the replica; max_standby_streaming_delay), or more writes than one process replays.",
          ),
        },
      ];
    }),
  }),
};

interface ArchiverRow {
  readonly failed: number;
  readonly failing_ms: number;
  readonly archived_ms: number | null;
}

export const archiver: HealthCheck<ArchiverRow> = {
  id: "health/archiver",
  looksAt: "WAL archiving",
  why: "What is not archived is missing from backups, and stays on the disk until it is full.",
  needs: "nothing",
  thresholds: [],
  sql: () => `select a.failed_count::float8 as failed, ${msSince("a.last_failed_time")} as failing_ms,
  ${msSince("a.last_archived_time")} as archived_ms
from pg_stat_archiver a
where current_setting('archive_mode') <> 'off'
  and a.last_failed_time > coalesce(a.last_archived_time, '-infinity')`,
  judge: (rows) => ({
    verdicts: rows.map((row) => ({
      severity: "warning",
      title: "Archiving of WAL fails",
      subject: "archive_command",
      evidence: known([
        count("Failures", row.failed),
        ms("Since the last failure", row.failing_ms),
        row.archived_ms === null
          ? { label: "Archived", value: "never" }
          : ms("Since the last success", row.archived_ms),
      ]),
      fix: sqlFix(
        ["select last_failed_wal, last_failed_time, last_archived_wal from pg_stat_archiver;"],
        "The server's log holds what archive_command said.",
      ),
    })),
  }),
};
