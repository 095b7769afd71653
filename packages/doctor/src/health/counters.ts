import type { Target } from "../target/types.ts";
import { readServer } from "./server.ts";
import { bind } from "./template.ts";
import type { Counters, Server, Traffic } from "./types.ts";

/** One row of counters; also a section of the script for psql. */
export function countersSql(server: Server): string {
  const checkpoints =
    server.major >= 17
      ? "(select num_timed as timed, num_requested as requested from pg_stat_checkpointer)"
      : "(select checkpoints_timed as timed, checkpoints_req as requested from pg_stat_bgwriter)";
  const evicted = server.extensions.has("pg_stat_statements")
    ? `(select dealloc::float8 from :"pg_stat_statements".pg_stat_statements_info)`
    : "null::float8";
  return `select (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs",
  (extract(epoch from d.stats_reset) * 1000)::float8 as "resetAtMs",
  (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as "startedAtMs",
  d.xact_commit::float8 as commits,
  d.xact_rollback::float8 as rollbacks,
  d.deadlocks::float8 as deadlocks,
  d.blks_hit::float8 as "pagesHit",
  d.blks_read::float8 as "pagesRead",
  d.temp_files::float8 as "tempFiles",
  d.temp_bytes::float8 as "tempBytes",
  c.timed::float8 as "checkpointsTimed",
  c.requested::float8 as "checkpointsRequested",
  ${evicted} as "statementsEvicted"
from pg_stat_database d, ${checkpoints} c
where d.datname = current_database()`;
}

type Row = { readonly [Key in keyof Counters]: number | null };

/** Reads the counters once; two readings make a delta. @throws DoctorError of `Target.rows` */
export async function readCounters(target: Target, known?: Server): Promise<Counters> {
  const server = known ?? (await readServer(target));
  const { text } = bind(countersSql(server), { numbers: {}, identifiers: server.extensions });
  const row = (await target.rows<Row>(text))[0];
  const number = (name: keyof Counters): number => row?.[name] ?? 0;
  return {
    atMs: number("atMs"),
    resetAtMs: row?.resetAtMs ?? undefined,
    startedAtMs: number("startedAtMs"),
    commits: number("commits"),
    rollbacks: number("rollbacks"),
    deadlocks: number("deadlocks"),
    pagesHit: number("pagesHit"),
    pagesRead: number("pagesRead"),
    tempFiles: number("tempFiles"),
    tempBytes: number("tempBytes"),
    checkpointsTimed: number("checkpointsTimed"),
    checkpointsRequested: number("checkpointsRequested"),
    statementsEvicted: row?.statementsEvicted ?? undefined,
  };
}

/**
 * What was counted between two readings. When counters were reset in between (a reset, a crash, a
 * fail-over: one of them fell) the later reading stands alone, as totals.
 */
export function trafficOf(before: Counters | undefined, after: Counters): Traffic {
  if (before === undefined || wasReset(before, after)) return totals(after);
  const since = (name: keyof Counters): number => (after[name] ?? 0) - (before[name] ?? 0);
  return {
    kind: "delta",
    elapsedMs: since("atMs"),
    commits: since("commits"),
    rollbacks: since("rollbacks"),
    deadlocks: since("deadlocks"),
    pagesHit: since("pagesHit"),
    pagesRead: since("pagesRead"),
    tempFiles: since("tempFiles"),
    tempBytes: since("tempBytes"),
    checkpointsTimed: since("checkpointsTimed"),
    checkpointsRequested: since("checkpointsRequested"),
    statementsEvicted:
      after.statementsEvicted === undefined || before.statementsEvicted === undefined
        ? undefined
        : since("statementsEvicted"),
  };
}

const MONOTONIC: readonly (keyof Counters)[] = [
  "commits",
  "rollbacks",
  "deadlocks",
  "pagesHit",
  "pagesRead",
  "tempFiles",
  "tempBytes",
  "checkpointsTimed",
  "checkpointsRequested",
  "statementsEvicted",
];

/** Whether what was counted before is lost: a reset, a crash, another server. */
export function wasReset(before: Counters, after: Counters): boolean {
  if (after.atMs <= before.atMs) return true;
  return (
    after.resetAtMs !== before.resetAtMs ||
    MONOTONIC.some((name) => (after[name] ?? 0) < (before[name] ?? 0))
  );
}

/** For a file: what is not known is left out. */
export const savedCounters = (counters: Counters): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(counters).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );

/** @returns undefined when one is missing that every server tells */
export function countersFrom(saved: Readonly<Record<string, number>>): Counters | undefined {
  const told = { ...UNTOLD, ...saved };
  const whole = Object.values(told).every((value) => !Number.isNaN(value));
  return whole ? { resetAtMs: undefined, statementsEvicted: undefined, ...told } : undefined;
}

const UNTOLD: Omit<Counters, "resetAtMs" | "statementsEvicted"> = {
  atMs: Number.NaN,
  startedAtMs: Number.NaN,
  commits: Number.NaN,
  rollbacks: Number.NaN,
  deadlocks: Number.NaN,
  pagesHit: Number.NaN,
  pagesRead: Number.NaN,
  tempFiles: Number.NaN,
  tempBytes: Number.NaN,
  checkpointsTimed: Number.NaN,
  checkpointsRequested: Number.NaN,
};

function totals(counters: Counters): Traffic {
  const { atMs, resetAtMs, startedAtMs: _, ...counted } = counters;
  return {
    kind: "totals",
    elapsedMs: resetAtMs === undefined ? undefined : Math.max(atMs - resetAtMs, 1),
    ...counted,
  };
}
