/** What a server says of itself and of how far it is. */
import { endOfRecord, NOWHERE, type Position, parsePosition } from "./position.ts";

export interface ServerFacts {
  readonly standby: boolean;
  /** The server as it was started: another one after a restart. */
  readonly instance: string;
  /** Replayed, by a replica; inserted, by a primary. Undefined where it does not say. */
  readonly position: Position | undefined;
  /** A replica has replayed all it has received. */
  readonly caughtUp: boolean;
  /** Since the commit that was replayed last, by the replica's clock against the primary's. */
  readonly sinceReplayedMs: number | undefined;
  /** Undefined where the role may not ask. */
  readonly system: string | undefined;
  readonly timeline: number | undefined;
}

/** Positions are read by one statement: what it gives was true when or after it was sent. */
export const POSITION_SQL = `select pg_catalog.pg_is_in_recovery()::text as standby,
  extract(epoch from pg_catalog.pg_postmaster_start_time())::text as started,
  case when not pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_current_wal_insert_lsn()::text end as inserted,
  case when not pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) end as segment,
  pg_catalog.current_setting('wal_block_size') as page,
  pg_catalog.pg_last_wal_replay_lsn()::text as replayed,
  pg_catalog.pg_last_wal_receive_lsn()::text as received,
  (extract(epoch from pg_catalog.clock_timestamp()
    - pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::text as since`;

/** Asked apart: a role without the right to one of these functions has its whole statement refused. */
export const SYSTEM_SQL = `select s.system_identifier::text as system,
  greatest(c.timeline_id, r.min_recovery_end_timeline,
    (select received_tli from pg_catalog.pg_stat_wal_receiver))::text as timeline
  from pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c,
    pg_catalog.pg_control_recovery() r`;

type Row = Readonly<Record<string, unknown>>;

export function factsOf(row: Row, system: Row | undefined): ServerFacts {
  const standby = row["standby"] === "true";
  const [replayed, received] = [parsePosition(row["replayed"]), parsePosition(row["received"])];
  const inserted = parsePosition(row["inserted"]);
  const written = inserted === undefined ? undefined : endOfRecord(inserted, Number(row["page"]));
  const since = Number.parseFloat(String(row["since"]));
  return {
    standby,
    instance: String(row["started"]),
    position: standby ? replayed : written,
    caughtUp: (replayed ?? NOWHERE) >= (received ?? NOWHERE),
    sinceReplayedMs: Number.isFinite(since) ? Math.max(0, since) : undefined,
    system: system === undefined ? undefined : String(system["system"]),
    timeline: timelineOf(row["segment"], system?.["timeline"]),
  };
}

/** A primary's is the first eight digits of its log's file name. */
function timelineOf(segment: unknown, told: unknown): number | undefined {
  const found =
    typeof segment === "string" ? Number.parseInt(segment.slice(0, 8), 16) : Number(told);
  return Number.isInteger(found) && found > 0 ? found : undefined;
}
