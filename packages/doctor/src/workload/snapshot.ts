import type { Target } from "../target/types.ts";
import { type Extension, findExtension } from "./extension.ts";

export const SNAPSHOT_FORMAT = "hasten-doctor/snapshot/2";

/** Counters at one moment: no text, no value, so that it may lie in a file. */
export interface Snapshot {
  readonly format: typeof SNAPSHOT_FORMAT;
  /** By the server's clock, milliseconds since 1970; so are all times here. */
  readonly takenAt: number;
  readonly server: ServerMark;
  /** When pg_stat_statements was last reset as a whole; undefined before version 1.9 of it. */
  readonly resetAt: number | undefined;
  /** Entries that it has thrown out for want of room. */
  readonly evicted: number | undefined;
  /** Total time of the smallest entry kept, when there were more than {@link ENTRIES_MAX}. */
  readonly cutAtMs: number | undefined;
  /** Of entries whose statement this role may not know. */
  readonly hidden: { readonly entries: number; readonly totalMs: number };
  readonly entries: readonly SnapshotEntry[];
  /** Counters of the whole database, by name, as the health checks read them. */
  readonly health?: Readonly<Record<string, number>> | undefined;
}

/** What tells one server and database from another. */
export interface ServerMark {
  /** Of pg_control_system; undefined where the role may not ask. */
  readonly systemId: string | undefined;
  readonly databaseOid: number;
  readonly standby: boolean;
  readonly startedAt: number;
}

export interface SnapshotEntry extends Counters {
  readonly queryId: string;
  readonly userId: number;
  readonly topLevel: boolean;
  /** When the entry was made (PostgreSQL 17+). */
  readonly since: number | undefined;
}

export interface Counters {
  readonly calls: number;
  readonly totalMs: number;
  readonly maxMs: number | undefined;
  readonly rows: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly tempBlocksWritten: number;
  readonly walBytes: number;
}

/** Entries of a snapshot at most, those with the most time; pg_stat_statements.max is 5,000 by default. */
export const ENTRIES_MAX = 20_000;

/** Undefined where pg_stat_statements cannot be used. Nothing is ever reset. */
export async function takeSnapshot(target: Target): Promise<Snapshot | undefined> {
  const extension = await findExtension(target);
  return extension.usable ? snapshotWith(target, extension) : undefined;
}

export async function snapshotWith(
  target: Target,
  extension: Extract<Extension, { usable: true }>,
): Promise<Snapshot> {
  const head = await readHead(target, extension);
  const rows = await target.rows<EntryRow>(entriesSql(extension), [ENTRIES_MAX]);
  const [hidden] = await target.rows<HiddenRow>(
    `select count(*)::int4 as entries, coalesce(sum(total_exec_time), 0) as "totalMs"
      from ${extension.view}(false) where dbid = ${DATABASE_OID} and queryid is null`,
  );
  return {
    format: SNAPSHOT_FORMAT,
    ...head,
    cutAtMs: rows.length < ENTRIES_MAX ? undefined : rows.at(-1)?.totalMs,
    hidden: hidden ?? { entries: 0, totalMs: 0 },
    entries: rows.map(({ since, maxMs, ...row }) => ({
      ...row,
      maxMs: maxMs ?? undefined,
      since: since ?? undefined,
    })),
  };
}

interface EntryRow extends Omit<SnapshotEntry, "since" | "maxMs"> {
  readonly since: number | null;
  readonly maxMs: number | null;
}

interface HiddenRow {
  readonly entries: number;
  readonly totalMs: number;
}

export const DATABASE_OID = "(select oid from pg_database where datname = current_database())";

/** Version 17 of the server renamed the columns of I/O time, which is why none is read. */
function entriesSql({ view, columns }: Extract<Extension, { usable: true }>): string {
  const since = columns.has("stats_since")
    ? "(extract(epoch from stats_since) * 1000)::float8"
    : "null::float8";
  return `select queryid::text as "queryId", userid::int8::float8 as "userId",
      ${columns.has("toplevel") ? "toplevel" : "true"} as "topLevel", ${since} as since,
      calls::float8 as calls, total_exec_time as "totalMs", max_exec_time as "maxMs",
      rows::float8 as rows, shared_blks_hit::float8 as "blocksHit",
      (shared_blks_read + local_blks_read)::float8 as "blocksRead",
      temp_blks_written::float8 as "tempBlocksWritten", wal_bytes::float8 as "walBytes"
    from ${view}(false)
    where dbid = ${DATABASE_OID} and queryid is not null and calls > 0
    order by total_exec_time desc limit $1`;
}

interface HeadRow {
  readonly takenAt: number;
  readonly databaseOid: number;
  readonly standby: boolean;
  readonly startedAt: number;
  readonly maySystem: boolean;
}

async function readHead(
  target: Target,
  extension: Extract<Extension, { usable: true }>,
): Promise<Pick<Snapshot, "takenAt" | "server" | "resetAt" | "evicted">> {
  const [row] = await target.rows<HeadRow>(
    `select (extract(epoch from clock_timestamp()) * 1000)::float8 as "takenAt",
      ${DATABASE_OID}::int8::float8 as "databaseOid", pg_is_in_recovery() as standby,
      (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as "startedAt",
      has_function_privilege('pg_catalog.pg_control_system()', 'execute') as "maySystem"`,
  );
  if (row === undefined) throw new RangeError("a select without from has one row");
  const [system] = row.maySystem
    ? await target.rows<{ id: string }>(
        "select system_identifier::text as id from pg_control_system()",
      )
    : [];
  const [info] =
    extension.info === undefined
      ? []
      : await target.rows<{ dealloc: number; reset: number | null }>(
          `select dealloc::float8 as dealloc, (extract(epoch from stats_reset) * 1000)::float8 as reset
            from ${extension.info}`,
        );
  const { takenAt, databaseOid, standby, startedAt } = row;
  return {
    takenAt,
    server: { systemId: system?.id, databaseOid, standby, startedAt },
    resetAt: info?.reset ?? undefined,
    evicted: info?.dealloc,
  };
}
