import { endSession, msSince, SESSION_TEXT } from "../sql.ts";
import type { HealthCheck, Verdict } from "../types.ts";
import {
  capital,
  count,
  known,
  ms,
  plural,
  sessionName,
  spoken,
  sqlFix,
  statementEvidence,
} from "../verdict.ts";

/** Sessions in one chain and chains are bounded by the sessions asked about. */
const SESSIONS_MAX = 200;
const DEPTH_MAX = 20;

export interface BlockingRow {
  /** 0 for a prepared transaction, which has no session. */
  readonly pid: number;
  /** Sessions that this one waits for; empty for one that does not wait. */
  readonly blockers: readonly number[];
  readonly application: string | null;
  readonly state: string | null;
  readonly wait_ms: number | null;
  readonly transaction_ms: number | null;
  readonly mode: string | null;
  readonly relation: string | null;
  readonly query: string | null;
  readonly fix: string | null;
}

/**
 * `pg_blocking_pids` takes the lock table's own locks, so it is asked of waiting sessions only.
 */
const SQL = `with waiting as materialized (
  select a.pid, pg_blocking_pids(a.pid) as blockers
  from pg_stat_activity a
  where a.wait_event_type = 'Lock' and a.datname = current_database()
  limit ${SESSIONS_MAX}
),
locks as materialized (
  select l.pid, max(l.mode) filter (where not l.granted) as mode,
    min(l.waitstart) filter (where not l.granted) as since,
    max(l.relation) as relation
  from pg_locks l
  where l.pid in (select w.pid from waiting w) and (not l.granted or l.locktype = 'tuple')
  group by l.pid
),
involved as (
  select w.pid from waiting w union select unnest(w.blockers) from waiting w
)
select i.pid, coalesce(w.blockers, '{}') as blockers, a.application_name as application, a.state,
  case when w.pid is not null then ${msSince("coalesce(k.since, a.query_start)")} end as wait_ms,
  ${msSince("a.xact_start")} as transaction_ms,
  k.mode,
  (select format('%I.%I', n.nspname, c.relname) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where c.oid = k.relation) as relation,
  ${SESSION_TEXT} as query,
  ${endSession("terminate")} as fix
from involved i
left join waiting w on w.pid = i.pid
left join locks k on k.pid = i.pid
left join pg_stat_activity a on a.pid = i.pid
order by i.pid`;

export const blocking: HealthCheck<BlockingRow> = {
  id: "health/blocking",
  looksAt: "Sessions that block others",
  why: "Everything behind the root waits for its transaction to end, and whatever comes next queues up behind the waiters.",
  needs: "statistics",
  thresholds: ["blockedWarningMs", "blockedCriticalMs", "blockedCriticalSessions"],
  sql: () => SQL,
  judge(rows, { thresholds }) {
    const chains = chainsOf(rows).filter((chain) => chain.longestMs >= thresholds.blockedWarningMs);
    return {
      verdicts: chains.map((chain) => ({
        severity:
          chain.blocked.length >= thresholds.blockedCriticalSessions &&
          chain.longestMs >= thresholds.blockedCriticalMs
            ? "critical"
            : "warning",
        ...verdictOf(chain),
      })),
    };
  },
};

export interface Chain {
  readonly root: BlockingRow;
  /** Everyone that waits for the root, directly or through others, nearest first. */
  readonly blocked: readonly BlockingRow[];
  /** The longest way from the root: pids, the root's first. */
  readonly deepest: readonly number[];
  readonly longestMs: number;
}

/** Roots are those that others wait for and that wait for nobody. */
export function chainsOf(rows: readonly BlockingRow[]): readonly Chain[] {
  const waiters = new Map<number, BlockingRow[]>();
  for (const row of rows)
    for (const blocker of new Set(row.blockers))
      waiters.set(blocker, [...(waiters.get(blocker) ?? []), row]);
  const roots = rows.filter((row) => row.blockers.length === 0 && waiters.has(row.pid));
  return roots.map((root) => chainFrom(root, waiters));
}

function chainFrom(root: BlockingRow, waiters: ReadonlyMap<number, readonly BlockingRow[]>): Chain {
  const ways = new Map<number, readonly number[]>([[root.pid, [root.pid]]]);
  const blocked: BlockingRow[] = [];
  const queue = [root];
  for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
    const way = ways.get(row.pid) ?? [];
    if (way.length >= DEPTH_MAX) continue;
    for (const waiter of waiters.get(row.pid) ?? []) {
      if (ways.has(waiter.pid)) continue;
      ways.set(waiter.pid, [...way, waiter.pid]);
      blocked.push(waiter);
      queue.push(waiter);
    }
  }
  const deepest = [...ways.values()].reduce((a, b) => (b.length > a.length ? b : a));
  const longestMs = Math.max(0, ...blocked.map((row) => row.wait_ms ?? 0));
  return { root, blocked, deepest, longestMs };
}

function verdictOf(chain: Chain): Omit<Verdict, "severity"> {
  const { root, blocked } = chain;
  const first = blocked[0];
  const relations = new Set(blocked.flatMap((row) => (row.relation ? [row.relation] : [])));
  const name = root.pid === 0 ? "a prepared transaction" : sessionName(root.pid, root.application);
  return {
    title: `${capital(name)} blocks ${plural(blocked.length, "other", "others")}, for up to ${spoken(chain.longestMs)}`,
    subject: name,
    evidence: known([
      count("Sessions that wait", blocked.length),
      count("Levels", chain.deepest.length),
      { label: "Longest chain", value: chain.deepest.join(" ← ") },
      ms("Longest wait", chain.longestMs),
      root.transaction_ms === null ? undefined : ms("Root's transaction open", root.transaction_ms),
      root.state === null ? undefined : { label: "Root's state", value: root.state },
      first?.mode ? { label: "Lock waited for", value: first.mode } : undefined,
      relations.size > 0
        ? { label: "On", value: [...relations].slice(0, 5).join(", ") }
        : undefined,
      statementEvidence("Root's last statement", root.query),
      first === undefined ? undefined : statementEvidence("First that waits", first.query),
    ]),
    fix:
      root.fix === null
        ? sqlFix(
            ["select gid, prepared, owner, database from pg_prepared_xacts order by prepared;"],
            "Commit or roll back the prepared transaction that holds the lock.",
          )
        : sqlFix(
            [root.fix],
            "This ends the root of the chain, which releases everyone behind it. For good: shorter transactions, and a lock_timeout for migrations.",
          ),
  };
}
