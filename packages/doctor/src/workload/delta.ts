import { DoctorError } from "../errors.ts";
import type { Counters, Snapshot, SnapshotEntry } from "./snapshot.ts";

/** Counters by statement over a window. */
export interface Activity {
  readonly sinceMs: number | undefined;
  readonly entries: readonly SnapshotEntry[];
  readonly hidden: Snapshot["hidden"];
  readonly notes: readonly string[];
}

/**
 * What happened between two snapshots. A counter that fell was reset or its entry thrown out and made
 * again: then what it shows has happened since, all of it within the window. Nothing is negative, and
 * what was there before the window never counts as new.
 * @throws DoctorError HST_DOCTOR_OPTION when they are not of the same server and database
 */
export function delta(before: Snapshot, after: Snapshot): Activity {
  refuseOther(before, after);
  const known = new Map(before.entries.map((entry) => [keyOf(entry), entry]));
  const users = new Set(before.entries.map(({ userId }) => userId));
  const entries = after.entries.flatMap((entry): SnapshotEntry[] => {
    const old = known.get(keyOf(entry));
    if (old === undefined) {
      const seen = before.hidden.entries === 0 || users.has(entry.userId);
      return isNew(entry, before, seen) ? [{ ...entry, maxMs: undefined }] : [];
    }
    const counted = madeAgain(old, entry, before) ? entry : difference(old, entry);
    return counted.calls > 0 ? [{ ...entry, ...counted, maxMs: undefined }] : [];
  });
  return {
    sinceMs: after.takenAt - before.takenAt,
    entries,
    hidden: {
      entries: after.hidden.entries,
      totalMs: Math.max(0, after.hidden.totalMs - before.hidden.totalMs),
    },
    notes: notesOf(before, after),
  };
}

const keyOf = ({ userId, queryId, topLevel }: SnapshotEntry): string =>
  `${userId}/${queryId}/${topLevel}`;

/**
 * A snapshot that was cut says nothing of small entries, and one by a role that might not see this
 * user's says nothing of those: such an entry may be old.
 */
function isNew(entry: SnapshotEntry, before: Snapshot, seen: boolean): boolean {
  if (entry.since !== undefined) return entry.since >= before.takenAt;
  return before.cutAtMs === undefined && seen;
}

function madeAgain(old: SnapshotEntry, now: SnapshotEntry, before: Snapshot): boolean {
  if (now.since !== undefined && old.since !== undefined && now.since > old.since) return true;
  if (now.since !== undefined && now.since > before.takenAt) return true;
  return COUNTERS.some((name) => now[name] < old[name]);
}

const COUNTERS = [
  "calls",
  "totalMs",
  "rows",
  "blocksHit",
  "blocksRead",
  "tempBlocksWritten",
  "walBytes",
] as const satisfies readonly (keyof Counters)[];

const difference = (old: Counters, now: Counters): Counters => ({
  calls: now.calls - old.calls,
  totalMs: now.totalMs - old.totalMs,
  maxMs: undefined,
  rows: now.rows - old.rows,
  blocksHit: now.blocksHit - old.blocksHit,
  blocksRead: now.blocksRead - old.blocksRead,
  tempBlocksWritten: now.tempBlocksWritten - old.tempBlocksWritten,
  walBytes: now.walBytes - old.walBytes,
});

function refuseOther(before: Snapshot, after: Snapshot): void {
  const [a, b] = [before.server, after.server];
  const known = a.systemId !== undefined && b.systemId !== undefined;
  if (a.databaseOid !== b.databaseOid || (known && a.systemId !== b.systemId))
    throw refused("is of another server or database");
  if (a.standby !== b.standby)
    throw refused("is of the primary and this is a standby, or reversed");
  if (before.takenAt >= after.takenAt) throw refused("is not older than now by the server's clock");
  // Counters reset at different moments, neither after the snapshot: two servers.
  const { resetAt } = after;
  if (!known && resetAt !== before.resetAt && !(resetAt !== undefined && resetAt > before.takenAt))
    throw refused("is of another server");
}

const refused = (because: string): DoctorError =>
  new DoctorError("HST_DOCTOR_OPTION", {
    message: `The snapshot of --since ${because}.`,
    fix: "Take one here with --save, wait, and give that one to --since.",
  });

function notesOf(before: Snapshot, after: Snapshot): readonly string[] {
  const notes: string[] = [];
  if (after.resetAt !== undefined && after.resetAt > before.takenAt)
    notes.push(
      "pg_stat_statements was reset within the window: what ran before the reset is missing.",
    );
  if (after.server.startedAt > before.takenAt)
    notes.push(
      "The server was started within the window: what was not saved at its end is missing.",
    );
  const evicted = (after.evicted ?? 0) - (before.evicted ?? 0);
  if (evicted > 0)
    notes.push(
      "pg_stat_statements threw entries out for want of room within the window: raise pg_stat_statements.max.",
    );
  if (after.cutAtMs !== undefined)
    notes.push("Only the entries with the most time were read; there are very many.");
  return notes;
}
