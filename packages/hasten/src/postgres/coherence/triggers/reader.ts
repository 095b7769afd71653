/**
 * Reads the change log by snapshots.
 *
 * Invariants:
 * - A transaction's rows are given by the first read whose snapshot sees it, and never again: what
 *   the snapshot before saw is left out. No order of numbers is relied on, so a transaction that
 *   takes long, or whose commit is not visible yet, is neither missed nor given early.
 * - Another connection is a gap: the log is unlogged, and a crash that ended the connection emptied it.
 * - Rows are removed only when a snapshot at least KEPT_MS old saw them: a reader whose latest
 *   snapshot is older than half of that starts over.
 */
import type { Clock } from "../../../core/clock.ts";
import type { Direct } from "../direct.ts";

export interface LoggedChanges {
  /** The relations named by statements, and what lies above and below them. */
  readonly relations: readonly number[];
  /** Messages of other processes, in the order of the log. */
  readonly messages: readonly string[];
}

export interface ChangeReader {
  /** Everything that is visible now is known: reads from here on. */
  start(): Promise<void>;
  /** What became visible since the latest read. Rejects with GAP where that cannot be told. */
  read(): Promise<LoggedChanges>;
  prune(): Promise<void>;
}

export const KEPT_MS = 120_000;
const PRUNE_EVERY_MS = 30_000;

/** The reader was away for so long that rows may be gone, or lost its connection. */
export const GAP = "changes may have been missed";

/** Reads of one server snapshot: the statement's own. Descendants are what a statement may reach through its table. */
const CHANGES = `
with recursive seen as (
  select relation, node, message, xid from hasten.change_log
  where xid >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(xid, $1::pg_snapshot)
), reached(oid) as (
  select relation from seen where relation is not null
  union
  select i.inhrelid from pg_inherits i join reached on i.inhparent = reached.oid
)
select pg_current_snapshot()::text as snapshot,
  (select array_agg(distinct oid::int8::float8) from reached) as relations,
  (select array_agg(message order by xid) from seen where message is not null and node <> $2) as messages`;

const PRUNE = `delete from hasten.change_log where ctid = any(array(
  select ctid from hasten.change_log
  where xid < pg_snapshot_xmax($1::pg_snapshot) and pg_visible_in_snapshot(xid, $1::pg_snapshot)
  limit 10000 for update skip locked))`;

export function createChangeReader(direct: Direct, node: string, clock: Clock): ChangeReader {
  const { run } = direct;
  let connection = 0;
  let snapshot: string | undefined;
  let readMs = 0;
  let readWallMs = 0;
  /** Snapshots waiting to be old enough. */
  let kept: { readonly snapshot: string; readonly atMs: number }[] = [];
  let prunedMs = clock.nowMs();

  const took = (taken: string, sentMs: number, sentWallMs: number): void => {
    snapshot = taken;
    readMs = sentMs;
    readWallMs = sentWallMs;
    const last = kept.at(-1);
    if (last === undefined || sentMs - last.atMs >= PRUNE_EVERY_MS)
      kept.push({ snapshot: taken, atMs: clock.nowMs() });
  };
  return {
    async start() {
      const sentMs = clock.nowMs();
      const sentWallMs = clock.wallMs();
      kept = [];
      const [row] = await run("select pg_current_snapshot()::text as snapshot");
      connection = direct.connections;
      took(String(row?.["snapshot"]), sentMs, sentWallMs);
    },
    async read() {
      const sentMs = clock.nowMs();
      const sentWallMs = clock.wallMs();
      const awayMs = Math.max(sentMs - readMs, sentWallMs - readWallMs);
      if (snapshot === undefined || awayMs > KEPT_MS / 2) throw new Error(GAP);
      const [row] = await run(CHANGES, [snapshot, node]);
      if (direct.connections !== connection) throw new Error(GAP);
      took(String(row?.["snapshot"]), sentMs, sentWallMs);
      return {
        relations: (row?.["relations"] ?? []) as readonly number[],
        messages: (row?.["messages"] ?? []) as readonly string[],
      };
    },
    async prune() {
      const nowMs = clock.nowMs();
      if (nowMs - prunedMs < PRUNE_EVERY_MS) return;
      prunedMs = nowMs;
      const old = kept.filter(({ atMs }) => nowMs - atMs >= KEPT_MS).at(-1);
      if (old === undefined) return;
      kept = kept.filter(({ atMs }) => atMs > old.atMs);
      await run(PRUNE, [old.snapshot]);
    },
  };
}
