/**
 * PgBouncer's admin console: `SHOW` commands by the simple protocol, the only one it speaks.
 * Its columns are described under "Admin console" in PgBouncer's manual; times there are microseconds.
 *
 * Invariants:
 * - One connection for one look, closed afterwards, bounded in time; nothing but SHOW is sent.
 * - A column that a version does not have is undefined here, never 0.
 */
import { untraced } from "../../core/trace/index.ts";
import { loadDriver, type PgDriver } from "../driver.ts";
import { PostgresError } from "../errors.ts";
import { reasonOf } from "../failures.ts";
import { parseUrl } from "../url.ts";
import type { ToldByAdmin } from "./pooler.ts";

export interface ConsoleOptions {
  /** `postgres://user:password@host:6432/pgbouncer` of a user in admin_users or stats_users. Never logged. */
  readonly adminUrl: string;
  /** For connecting, and for each answer. @default 2_000. Bounds 10 to 60_000. */
  readonly timeoutMs?: number | undefined;
  /** The `pg` module, where a bundler hides it from `require`. */
  readonly driver?: PgDriver | undefined;
}

export type ConsoleRow = Readonly<Record<string, unknown>>;

/** What may be asked. */
export type Shown = "VERSION" | "CONFIG" | "DATABASES" | "LISTS" | "POOLS" | "STATS" | "USERS";

export type Ask = (what: Shown) => Promise<readonly ConsoleRow[]>;

interface ConsoleClient {
  connect(): Promise<void>;
  query(text: string): Promise<{ readonly rows: readonly ConsoleRow[] }>;
  end(): Promise<void>;
  on(event: "error", listener: () => void): unknown;
  readonly connection?: { readonly stream?: { destroy(): void } };
}

const TIMEOUT_MS = 2_000;

/** Runs `work` on a console connection. @throws HST_PG_POOLER when it cannot be asked */
export async function onConsole<T>(
  options: ConsoleOptions,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const { adminUrl, driver, timeoutMs = TIMEOUT_MS } = options;
  const { applicationName: _given, ...parts } = parseUrl(adminUrl);
  const Client = loadDriver(driver).Client as unknown as new (config: object) => ConsoleClient;
  const client = new Client({
    ...parts,
    application_name: "hasten pooler",
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  client.on("error", () => undefined);
  return untraced(async () => {
    try {
      await client.connect();
      return await work(async (what) => (await client.query(`SHOW ${what}`)).rows);
    } catch (error) {
      if (error instanceof PostgresError) throw error;
      throw new PostgresError("HST_PG_POOLER", {
        message: `PgBouncer's admin console could not be asked: ${reasonOf(error)}.`,
        fix: "Check adminUrl: the database is called pgbouncer, the user must be in admin_users or stats_users.",
      });
    } finally {
      client.end().catch(() => undefined);
      client.connection?.stream?.destroy();
    }
  });
}

/** PgBouncer keeps names apart by client since this version, where it is told how many. */
const KEEPS_NAMES_SINCE = [1, 21] as const;

/** What the console says of one database and user. */
export async function modeOf(
  ask: Ask,
  of: { readonly database: string; readonly user: string },
): Promise<ToldByAdmin> {
  const [version] = await ask("VERSION");
  const config = await ask("CONFIG");
  const setting = (name: string): string =>
    String(config.find(({ key }) => key === name)?.["value"] ?? "");
  const own = (rows: readonly ConsoleRow[], name: string): string | undefined => {
    const mode = rows.find((row) => row["name"] === name)?.["pool_mode"];
    return typeof mode === "string" && mode !== "" ? mode : undefined;
  };
  // A user's mode wins over the database's, and that over the general one.
  const mode =
    own(await ask("USERS"), of.user) ??
    own(await ask("DATABASES"), of.database) ??
    setting("pool_mode");
  const keepsNames =
    isSince(versionOf(version), KEEPS_NAMES_SINCE) &&
    Number(setting("max_prepared_statements")) > 0;
  return { mode: mode === "session" ? "session" : "transaction", keepsNames };
}

/** "PgBouncer 1.18.0" */
export function versionOf(row: ConsoleRow | undefined): string {
  return /\d+(?:\.\d+)+/.exec(String(row?.["version"] ?? ""))?.[0] ?? "";
}

function isSince(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split(".").map(Number);
  return first > major || (first === major && second >= minor);
}
