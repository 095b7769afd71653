/**
 * A real streaming replica of a running embedded server.
 *
 * Invariants:
 * - The copy is taken as the manual's chapter "Making a Base Backup Using the Low Level API" says: between
 *   pg_backup_start and pg_backup_stop, pg_wal last, with the label that the stop returned. The primary goes on
 *   working meanwhile; a file that vanishes under the copy is made again by replay.
 * - What the primary may not lack on a standby (`max_connections` and its like) is taken from the primary.
 * - Files are in a temporary directory marked as this process's: gone at the end, or at the next start of any
 *   temporary server when this process was killed.
 */
import { appendFileSync, chownSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { copyFile, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { installedBinaries } from "./binaries.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { temporaryHome } from "./home.ts";
import { takeOwnership } from "./owner.ts";
import { type ServerUser, serverUser } from "./server-user.ts";
import { type PostgresServer, startOnce } from "./start.ts";

export interface ReplicaOptions {
  /** Where the replica reaches its primary: a proxy's port, to cut the two apart. @default the primary's own */
  readonly primaryPort?: number;
  /** `application_name` of its connection, which `synchronous_standby_names` may name. @default "replica" */
  readonly name?: string;
  /** More arguments for `postgres`. */
  readonly flags?: readonly string[];
  /** Lines the server writes. @default ignored */
  readonly onLog?: (line: string) => void;
}

export interface Replica extends AsyncDisposable {
  /** `postgres://…` of the same superuser and database as the primary's. The same after each start. */
  readonly url: string;
  readonly port: number;
  /** Of the server as it runs now; 0 while it does not. */
  readonly pid: number;
  /** Stops replaying at the latest position: reads go on, and see nothing newer. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Makes it a primary of its own, which ends replication for good. Resolves when it is one. */
  promote(): Promise<void>;
  /** Ends it, `crash` without any goodbye. Its files stay for `start`. */
  stop(how?: "crash"): Promise<void>;
  /** Starts it again on the same port after `stop`. */
  start(): Promise<void>;
}

/** Must be at least as high on a standby as on its primary. */
const AS_ON_PRIMARY = [
  ...["max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions"],
  ...["max_locks_per_transaction", "shared_preload_libraries", "wal_level"],
];
const QUICK = ["fsync=off", "full_page_writes=off", "hot_standby=on", "wal_receiver_timeout=2s"];
/** Made anew by a server that starts; copied they would be in its way. */
const EMPTIED: ReadonlySet<string> = new Set([
  ...["pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp"],
  "pg_subtrans",
]);
const LEFT_OUT =
  /^(postmaster\.(pid|opts)|postgresql\.auto\.conf\.tmp|pgsql_tmp.*|backup_label.*)$/;
const PROMOTE_SECONDS = 30;

/** Copies a running server, starts the copy as its hot standby, and resolves when it accepts reads. */
export async function startReplica(
  of: Pick<PostgresServer, "url" | "port">,
  options: ReplicaOptions = {},
): Promise<Replica> {
  const user = serverUser(() => undefined);
  const home = await temporaryHome(installedBinaries(), user, (path) => void takeOwnership(path));
  const remove = (): void => rmSync(home.directory, { recursive: true, force: true });
  try {
    const settings = await copyRunning(of.url, home.cluster, user);
    pointAt(of, home.cluster, options);
    const given = [...settings, ...QUICK].flatMap((setting) => ["-c", setting]);
    const flags = [...given, ...(options.flags ?? [])];
    const { username, password, pathname } = new URL(of.url);
    const run = { home, user, password, removeAfter: "", release: () => undefined };
    const start = (port?: number): Promise<PostgresServer> =>
      startOnce(
        { flags, ...(options.onLog && { onLog: options.onLog }), ...(port && { port }) },
        run,
      );
    const first = await start();
    const url = `postgres://${username}:${password}@127.0.0.1:${first.port}${pathname}`;
    return replicaOf({ first, start, remove, url });
  } catch (error) {
    remove();
    throw error;
  }
}

interface Started {
  readonly first: PostgresServer;
  readonly start: (port: number) => Promise<PostgresServer>;
  readonly remove: () => void;
  readonly url: string;
}

function replicaOf({ first, start, remove, url }: Started): Replica {
  const { port } = first;
  let server: PostgresServer | undefined = first;
  const ask = (text: string): Promise<void> => asked(url, (client) => client.query(text));
  const stop = async (how?: "crash"): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending !== undefined && how === "crash") process.kill(ending.pid, "SIGQUIT");
    await ending?.stop();
  };
  return {
    url,
    port,
    get pid() {
      return server?.pid ?? 0;
    },
    pause: () => ask("select pg_wal_replay_pause()"),
    resume: () => ask("select pg_wal_replay_resume()"),
    promote: () => ask(`select pg_promote(true, ${PROMOTE_SECONDS})`),
    stop,
    async start() {
      server ??= await start(port);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      remove();
    },
  };
}

async function asked<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Copies the cluster, and gives the primary's settings that the copy must start with. */
async function copyRunning(
  url: string,
  cluster: string,
  user: ServerUser | undefined,
): Promise<readonly string[]> {
  let settings: readonly string[] = [];
  await asked(url, async (client) => {
    const one = async (text: string): Promise<string[]> =>
      (await client.query<string[]>({ text, rowMode: "array" })).rows[0] ?? [];
    for (const name of AS_ON_PRIMARY)
      settings = [...settings, `${name}=${(await one(`show ${name}`))[0]}`];
    const [source = ""] = await one("show data_directory");
    await one("select pg_backup_start('hasten replica', true)");
    await copyTree(source, cluster, user);
    const [label = ""] = await one("select labelfile from pg_backup_stop(false)");
    const log = join(cluster, "pg_wal");
    rmSync(log, { recursive: true, force: true });
    await copyTree(join(source, "pg_wal"), log, user);
    writeOwned(join(cluster, "backup_label"), label, user);
  });
  if (settings.includes("wal_level=minimal"))
    throw new EmbeddedPostgresError("start", "A replica needs wal_level=replica on its primary.");
  writeOwned(join(cluster, "standby.signal"), "", user);
  return settings;
}

/** In the configuration file: on the command line everyone could read the password. */
function pointAt(
  of: { url: string; port: number },
  cluster: string,
  options: ReplicaOptions,
): void {
  const { username, password } = new URL(of.url);
  const port = options.primaryPort ?? of.port;
  const name = options.name ?? "replica";
  const where = `host=127.0.0.1 port=${port} user=${username} password=${password} application_name=${name}`;
  appendFileSync(join(cluster, "postgresql.auto.conf"), `\nprimary_conninfo = '${where}'\n`);
}

function writeOwned(file: string, text: string, user: ServerUser | undefined): void {
  writeFileSync(file, text, { mode: 0o600 });
  own(file, user);
}

function own(path: string, user: ServerUser | undefined): void {
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}

async function copyTree(from: string, to: string, user: ServerUser | undefined): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  own(to, user);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (LEFT_OUT.test(entry.name)) continue;
    if (entry.isDirectory() && EMPTIED.has(entry.name)) {
      await mkdir(target, { mode: 0o700 });
      own(target, user);
    } else if (entry.isDirectory()) await copyTree(source, target, user).catch(vanished);
    else if (entry.isSymbolicLink()) await symlink(readlinkSync(source), target).catch(vanished);
    else await copyFile(source, target).then(() => own(target, user), vanished);
  }
}

/** Replay makes again, or drops again, what is not there any more. */
function vanished(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
