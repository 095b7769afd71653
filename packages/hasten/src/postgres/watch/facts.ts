/** What the meaning of texts on one connection hangs on, asked for once when it is opened. */
import type { SessionFacts } from "../statements/analysis.ts";
import { CAUSES } from "./causes.ts";
import { IDENTITY_COLUMNS, type Identity, identityOf } from "./identity.ts";

export interface Facts {
  readonly session: SessionFacts;
  readonly database: string;
  readonly isolation: string;
  readonly standby: boolean;
  readonly identity: Identity;
  /** How it shows values: the server does not repeat that to who looks late. */
  readonly shown: ReadonlyMap<string, string>;
  /** Why it is not as it was when it was opened. */
  readonly changed: string | undefined;
}

export const SHOWN: readonly string[] = [
  "TimeZone",
  "DateStyle",
  "IntervalStyle",
  "client_encoding",
];

export const FACTS_SQL: string = `select pg_catalog.current_database()::text as database,
  current_user::text as role, session_user::text as login,
  pg_catalog.current_setting('search_path') as path,
  pg_catalog.current_setting('TimeZone') as "TimeZone",
  pg_catalog.current_setting('DateStyle') as "DateStyle",
  pg_catalog.current_setting('IntervalStyle') as "IntervalStyle",
  pg_catalog.current_setting('client_encoding') as client_encoding,
  pg_catalog.current_setting('default_transaction_isolation') as isolation,
  pg_catalog.pg_is_in_recovery()::text as standby,
  pg_catalog.pg_my_temp_schema()::text as temporary,
  pg_catalog.pg_backend_pid()::text as pid,
  (select pg_catalog.string_agg(s.name, ',') from pg_catalog.pg_settings s
    where s.source = 'session') as settings,
  ${IDENTITY_COLUMNS}`;

export const REPLAYED_SQL = "select pg_catalog.pg_last_wal_replay_lsn()::text as replayed";

/** Settings that change neither rows nor what a text means. */
const HARMLESS: ReadonlySet<string> = new Set([
  "application_name",
  "client_encoding",
  "client_min_messages",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "extra_float_digits",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "lock_timeout",
  "standard_conforming_strings",
  "statement_timeout",
  "transaction_timeout",
]);

type Row = Readonly<Record<string, unknown>>;

const isStandby = (row: Row): boolean => String(row["standby"]) === "true";

/** Whether it copies a system whose name it may be asked for. */
export const mayAskSystem = (row: Row): boolean => isStandby(row) && row["mayAsk"] === "true";

export function factsOf(row: Row): Facts {
  const text = (name: string): string => String(row[name] ?? "");
  const settings = text("settings").split(",").filter(Boolean);
  const changed =
    text("temporary") !== "0" ||
    text("role") !== text("login") ||
    settings.some((name) => !HARMLESS.has(name));
  return {
    session: { searchPath: text("path"), role: text("role") },
    database: text("database"),
    isolation: text("isolation"),
    standby: isStandby(row),
    identity: identityOf(row, undefined),
    shown: new Map(SHOWN.map((name) => [name, text(name)])),
    changed: changed ? CAUSES.usedBefore : undefined,
  };
}

/** Whether one position in the log is at or past another. */
export function isPast(position: string, other: string): boolean {
  return position === other || numberOf(position) >= numberOf(other);
}

function numberOf(position: string): bigint {
  const [high = "0", low = "0"] = position.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
