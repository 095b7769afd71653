/** A PgBouncer of one's own for a test, in front of a given server: gone with this process. */
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { type ServerUser, serverUser } from "../postgres/server-user.ts";
import { freePort, within } from "../redis/start.ts";
import { type ServerProcess, superviseServer, temporaryFolder } from "../redis/supervise.ts";
import { pgbouncerProgram } from "./binaries.ts";
import { type IniOptions, iniOf, userListOf } from "./ini.ts";

export interface PgBouncerOptions {
  /** The server behind it, as a user that may read the passwords' verifiers: a superuser. */
  readonly to: string;
  /** @default "transaction" */
  readonly poolMode?: IniOptions["poolMode"];
  /** Server connections for each database and user. @default 25 */
  readonly poolSize?: number;
  /** @default 2_000 */
  readonly maxClientConn?: number;
  /** How passwords are asked for; the only way that there is here. @default "scram-sha-256" */
  readonly auth?: "scram-sha-256";
  /** Start-up parameters that are dropped silently instead of refused. @default none */
  readonly ignoreStartupParameters?: readonly string[];
  /** Further settings, as in PgBouncer's manual. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @default a free one */
  readonly port?: number;
}

export interface PgBouncerServer extends AsyncDisposable {
  /** The given URL, through PgBouncer. */
  readonly url: string;
  /** Of its admin console: simple protocol only. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Any database of the same server, through PgBouncer. */
  through(url: string): string;
  /** One command on the admin console: `SHOW POOLS`, `PAUSE`, `RELOAD`. */
  admin(command: string): Promise<readonly Readonly<Record<string, string>>[]>;
  /** Stops the process in its tracks: connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its folder. May be called again. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 10_000;
const PORT_ATTEMPTS = 5;

export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncerServer> {
  const program = pgbouncerProgram();
  const users = await loginsOf(options.to);
  const user = serverUser(() => undefined);
  const folder = temporaryFolder("hasten-pgbouncer-");
  try {
    if (user !== undefined) chownSync(folder.path, user.uid, user.gid);
    const place: Place = { program, folder: folder.path, user, userList: userListOf(users) };
    const { port, process } = await onFreePort(options, place);
    return pgbouncerServer(options, { port, process, remove: folder.remove });
  } catch (error) {
    folder.remove();
    throw error;
  }
}

interface Place {
  readonly program: string;
  readonly folder: string;
  /** PgBouncer refuses to run as root, and drops to this user by itself. */
  readonly user: ServerUser | undefined;
  readonly userList: string;
}

async function loginsOf(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; secret: string }>(
      `select rolname as name, rolpassword as secret from pg_authid
       where rolcanlogin and rolpassword like 'SCRAM-SHA-256$%'`,
    );
    return rows;
  } finally {
    await client.end();
  }
}

async function onFreePort(
  options: PgBouncerOptions,
  place: Place,
): Promise<{ readonly port: number; readonly process: ServerProcess }> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return { port, process: await run(options, place, port) };
    } catch (error) {
      // Somebody else took the port in between.
      const taken = String(error).includes("in use");
      if (!taken || options.port !== undefined || attempt >= PORT_ATTEMPTS) throw error;
    }
  }
}

/** PgBouncer tells on standard error, the supervisor listens to standard output. */
const TO_OUTPUT = 'exec "$0" "$@" 2>&1';

async function run(options: PgBouncerOptions, place: Place, port: number): Promise<ServerProcess> {
  const { program, folder, user, userList } = place;
  const to = new URL(options.to);
  const userFile = join(folder, "userlist.txt");
  const ini = iniOf(
    {
      poolMode: options.poolMode ?? "transaction",
      poolSize: options.poolSize ?? 25,
      maxClientConn: options.maxClientConn ?? 2_000,
      ignoreStartupParameters: options.ignoreStartupParameters ?? [],
      settings: options.settings ?? {},
    },
    {
      port,
      server: { host: to.hostname, port: to.port || "5432" },
      userFile,
      admin: decodeURIComponent(to.username),
    },
  );
  const iniFile = join(folder, "pgbouncer.ini");
  write(userFile, userList, user);
  write(iniFile, ini, user);
  const as = user === undefined ? [] : ["-u", user.name];
  const args = ["-c", TO_OUTPUT, program, ...as, iniFile];
  const server = await superviseServer("/bin/sh", args, folder);
  const adminUrl = at(options.to, port, "pgbouncer");
  const up = await within(START_LIMIT_MS, async () => {
    if (server.hasEnded) throw new Error(`PgBouncer ended at once:\n${server.lastLines()}`);
    return ask(adminUrl, "SHOW VERSION").then(
      () => true,
      () => false,
    );
  });
  if (up) return server;
  await server.kill();
  throw new Error(`PgBouncer did not answer in time:\n${server.lastLines()}`);
}

function write(path: string, text: string, owner: ServerUser | undefined): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

function at(url: string, port: number, database?: string): string {
  const moved = new URL(url);
  moved.hostname = "127.0.0.1";
  moved.port = String(port);
  if (database !== undefined) moved.pathname = `/${database}`;
  return moved.href;
}

async function ask(adminUrl: string, command: string) {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, string>>(command)).rows;
  } finally {
    // It does not answer a goodbye while it is paused.
    client.end().catch(() => undefined);
  }
}

function pgbouncerServer(
  options: PgBouncerOptions,
  running: { readonly port: number; readonly process: ServerProcess; readonly remove: () => void },
): PgBouncerServer {
  const { port, process } = running;
  const adminUrl = at(options.to, port, "pgbouncer");
  const stop = async (): Promise<void> => {
    await process.stop();
    running.remove();
  };
  return {
    url: at(options.to, port),
    adminUrl,
    port,
    pid: process.pid,
    through: (url) => at(url, port),
    admin: (command) => ask(adminUrl, command),
    pause: () => process.signal("SIGSTOP"),
    resume: () => process.signal("SIGCONT"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
