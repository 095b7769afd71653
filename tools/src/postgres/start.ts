/** A real PostgreSQL from npm, started for the demo (kept data) or for tests (temporary, gone afterwards). */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { forgetAddress, keepAddress } from "./address.ts";
import { binariesIn, installedBinaries } from "./binaries.ts";
import { ensureCluster, keptPassword, MAJOR_VERSION, newPassword, SUPERUSER } from "./cluster.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { type Home, keptHome, temporaryHome } from "./home.ts";
import { type Ownership, takeOwnership } from "./owner.ts";
import { postmasterPid, stopLeftover } from "./postmaster.ts";
import { dataOwner, type ServerUser, serverUser } from "./server-user.ts";
import { removeStale } from "./stale.ts";
import { type ServerProcess, superviseServer } from "./supervise.ts";

export interface PostgresOptions {
  /** Where the data is kept between runs. @default a temporary directory, removed at the end */
  readonly dataDir?: string;
  /**
   * Other programs, for a temporary server.
   * @default those that npm installed, of PostgreSQL 18
   */
  readonly programs?: Programs;
  /** TCP port on 127.0.0.1. @default a free one */
  readonly port?: number;
  /** Database made when it is missing. @default "postgres" */
  readonly database?: string;
  /** More arguments for `postgres`, for example `["-c", "shared_buffers=512MB"]`. */
  readonly flags?: readonly string[];
  /** Lines the server writes. @default ignored */
  readonly onLog?: (line: string) => void;
  /** Sentences for the person who started it: a server left behind was stopped, a user was created. @default ignored */
  readonly onNotice?: (sentence: string) => void;
}

export interface Programs {
  /** Holds bin and lib. */
  readonly root: string;
  readonly major: number;
  /** Holds postgres.bki. @default share/postgresql in the root */
  readonly share?: string;
}

export interface PostgresServer extends AsyncDisposable {
  /** `postgres://…` of the superuser, on 127.0.0.1. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended by itself or by `stop`. */
  readonly ended: Promise<void>;
  /** Ends sessions, stops the server, and removes a temporary one's files: at most about 5 seconds. */
  stop(): Promise<void>;
}

const TEMPORARY_FLAGS = settings({
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "200",
});
const COMMON_FLAGS = settings({ listen_addresses: "127.0.0.1", unix_socket_directories: "" });
const READY = /database system is ready to accept (read-only )?connections/;
const PORT_TAKEN = /could not bind|could not create any TCP/;
const STILL_ENDING = /pre-existing shared memory block|lock file "postmaster.pid" already exists/;
const READY_TIMEOUT_MS = 180_000;
const ATTEMPTS_MAX = 20;
const RETRY_DELAY_MS = 500;

function settings(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Starts a server and resolves when it accepts connections. Throws {@link EmbeddedPostgresError} with what to do. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const notice = options.onNotice ?? (() => undefined);
  const user = serverUser(notice);
  return options.dataDir === undefined
    ? startTemporary(options, user)
    : startKept(options, options.dataDir, user);
}

async function startTemporary(
  options: PostgresOptions,
  user: ServerUser | undefined,
): Promise<PostgresServer> {
  for (const path of await removeStale(user))
    options.onNotice?.(`removed ${path}, left by a run that was killed`);
  const password = newPassword();
  const flags = [...TEMPORARY_FLAGS, ...(options.flags ?? [])];
  return retried(options, async () => {
    const { programs } = options;
    const binaries =
      programs === undefined ? installedBinaries() : binariesIn(programs.root, programs.share);
    const home = await temporaryHome(binaries, user, (path) => void takeOwnership(path));
    const release = (): void => rmSync(home.directory, { recursive: true, force: true });
    try {
      const major = programs?.major ?? MAJOR_VERSION;
      await ensureCluster(home, user, { password, durable: false, major });
      const run = { home, user, password, removeAfter: home.directory, release };
      return await startOnce({ ...options, flags }, run);
    } catch (error) {
      release();
      throw error;
    }
  });
}

async function startKept(
  options: PostgresOptions,
  dataDir: string,
  dropTo: ServerUser | undefined,
): Promise<PostgresServer> {
  const ownership = openDataDir(dataDir);
  try {
    const user = dataOwner(dataDir, dropTo);
    const home = await keptHome(dataDir, installedBinaries(), user);
    await settleLeftover(ownership, home, options);
    const { password, isNew } = keptPassword(join(dataDir, "postgres-password"));
    // Without its password the data of an earlier life (say, the rest of a removed .data) cannot be opened.
    if (isNew && existsSync(home.cluster)) rmSync(home.cluster, { recursive: true, force: true });
    await ensureCluster(home, user, { password, durable: true });
    const release = (): void => {
      forgetAddress(dataDir);
      ownership.release();
    };
    const run = { home, user, password, removeAfter: "", release };
    const server = await retried(options, () => startOnce(options, run));
    keepAddress(dataDir, server.url);
    return server;
  } catch (error) {
    ownership.release();
    throw error;
  }
}

function openDataDir(dataDir: string): Ownership {
  try {
    mkdirSync(dataDir, { recursive: true });
    return takeOwnership(dataDir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
    throw new EmbeddedPostgresError(
      "home",
      `${dataDir} cannot be written by this user (${code}). Maybe an earlier run was root's: remove the directory, give it to yourself with chown, or use another.`,
      { cause: error },
    );
  }
}

async function settleLeftover(
  ownership: Ownership,
  home: Home,
  options: PostgresOptions,
): Promise<void> {
  const { previous } = ownership;
  const leftover = await stopLeftover(home.cluster);
  const run = previous ? `the run of process ${previous.pid} (since ${previous.since})` : "a run";
  if (leftover !== undefined)
    options.onNotice?.(`stopped PostgreSQL process ${leftover}, left behind by ${run}`);
  else if (previous !== undefined)
    options.onNotice?.(
      `${run} was killed before it could clean up; its PostgreSQL has stopped, its data is used again`,
    );
}

export interface Run {
  readonly home: Home;
  readonly user: ServerUser | undefined;
  readonly password: string;
  readonly removeAfter: string;
  readonly release: () => void;
}

/** A free port can be taken between finding and using it, and a killed server's children may still be ending. */
async function retried(
  options: PostgresOptions,
  attempt: () => Promise<PostgresServer>,
): Promise<PostgresServer> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      const text = String(error);
      const passing =
        STILL_ENDING.test(text) || (PORT_TAKEN.test(text) && options.port === undefined);
      if (!passing || attempts >= ATTEMPTS_MAX) throw error;
      await delay(RETRY_DELAY_MS);
    }
  }
}

/** One attempt on a cluster that is there. */
export async function startOnce(options: PostgresOptions, run: Run): Promise<PostgresServer> {
  const port = options.port ?? (await freePort());
  const server = superviseServer({
    ...run,
    args: ["-p", String(port), ...COMMON_FLAGS, ...(options.flags ?? [])],
    onLog: options.onLog ?? (() => undefined),
  });
  const failure = await readyOrFailure(server);
  if (failure === undefined) return running(options, run, server, port);
  await server.stop();
  throw startFailed(failure, port);
}

async function readyOrFailure(server: ServerProcess): Promise<string | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([
      server.line(READY).then(() => undefined),
      server.ended.then((lines) => lines.join("\n") || "it ended without a word"),
      delay(READY_TIMEOUT_MS, "it was not ready in time", { signal: over.signal }),
    ]);
  } finally {
    over.abort();
  }
}

function startFailed(log: string, port: number): EmbeddedPostgresError {
  const taken = PORT_TAKEN.test(log) ? ` (port ${port} on 127.0.0.1 is taken)` : "";
  return new EmbeddedPostgresError("start", `PostgreSQL did not start${taken}:\n${log}`);
}

async function running(
  options: PostgresOptions,
  run: Run,
  server: ServerProcess,
  port: number,
): Promise<PostgresServer> {
  const urlOf = (database: string): string =>
    `postgres://${SUPERUSER}:${run.password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const pid = postmasterPid(run.home.cluster) ?? 0;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= server.stop().then(run.release);
    return stopped;
  };
  try {
    if (options.database !== undefined) await ensureDatabase(urlOf("postgres"), options.database);
  } catch (error) {
    await stop();
    throw error;
  }
  const ended = server.ended.then(() => undefined);
  const url = urlOf(options.database ?? "postgres");
  return { url, port, pid, ended, stop, [Symbol.asyncDispose]: stop };
}

async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (found.rowCount === 0)
      await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  probe.once("error", reject).listen(0, "127.0.0.1", resolve);
  await promise;
  const address = probe.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { promise: closed, resolve: done } = Promise.withResolvers<void>();
  probe.close(() => done());
  await closed;
  return port;
}
