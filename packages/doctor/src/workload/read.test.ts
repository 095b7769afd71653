import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectionFrom } from "../target/connection.ts";
import { openTarget } from "../target/open.ts";
import { readWorkload } from "./read.ts";
import { takeSnapshot } from "./snapshot.ts";
import { readSnapshot, snapshotIn, writeSnapshot } from "./snapshot-file.ts";
import type { Workload } from "./types.ts";

const FLAGS = [
  "shared_preload_libraries=pg_stat_statements",
  "pg_stat_statements.max=100",
  "pg_stat_statements.track=all",
].flatMap((it) => ["-c", it]);

const folder = mkdtempSync(join(tmpdir(), "hasten-doctor-workload-"));
let server: PostgresServer;
let client: pg.Client;

const start = async (dataDir: string): Promise<void> => {
  server = await startPostgres({ flags: FLAGS, dataDir });
  client = new pg.Client({ connectionString: server.url });
  await client.connect();
};
const stop = async (): Promise<void> => {
  await client.end();
  await server.stop();
};

beforeAll(async () => {
  await start(join(folder, "data"));
  // Any schema will do, with any name.
  await client.query(
    'create schema "Odd ""one"; create extension pg_stat_statements schema "Odd ""one"',
  );
  await client.query("create table orders (id int, customer int, note text)");
  await client.query("create table parts (id int)");
});

afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const open = () => openTarget(connectionFrom(server.url, {}));
const run = async (text: string, times: number): Promise<void> => {
  for (let at = 0; at < times; at += 1) await client.query(text);
};
const callsOf = (workload: Workload, part: string): number | undefined =>
  workload.statements.find((it) => it.text.includes(part))?.calls;
const sane = (workload: Workload): void => {
  for (const it of workload.statements)
    for (const value of [it.calls, it.totalMs, it.rows, it.blocksHit, it.blocksRead, it.walBytes])
      expect(value).toBeGreaterThanOrEqual(0);
};

test("totals: the workload, without monitoring, the doctor itself, utility statements and values", async () => {
  await run("select * from orders where note = 'canary-7' /* canary-8 */", 5);
  await run("insert into orders values (1, 2, 'canary-9')", 3);
  await run("select count(*) from pg_stat_activity", 2);
  await run("select 1 from pg_catalog.pg_class limit 1", 2);
  await client.query("vacuum orders");
  await client.query("create role w_canary password 'canary-10'");
  await using target = await open();
  await readWorkload(target);
  const workload = await readWorkload(target);
  expect(workload.source).toBe("pg_stat_statements");
  expect(workload.window.kind).toBe("totals");
  expect(callsOf(workload, "from orders")).toBe(5);
  expect(callsOf(workload, "insert into orders")).toBe(3);
  expect(workload.statements.filter((it) => /pg_|vacuum|role|set /i.test(it.text))).toEqual([]);
  expect(JSON.stringify(workload)).not.toContain("canary");
  expect(workload.shareSeen).toBeGreaterThan(0.94);
  expect(workload.notes.join()).toContain("not planned as a whole");
  await client.query("drop role w_canary");
});

test("other databases do not count", async () => {
  await client.query("create database elsewhere");
  const url = new URL(server.url);
  url.pathname = "/elsewhere";
  const other = new pg.Client({ connectionString: url.href });
  await other.connect();
  await other.query("create table elsewhere_t (n int)");
  await other.query("select n from elsewhere_t");
  await other.end();
  await using target = await open();
  expect(callsOf(await readWorkload(target), "elsewhere_t")).toBeUndefined();
});

test("nested statements are listed with their callers", async () => {
  await client.query(
    "create function nested() returns bigint language plpgsql as 'begin return (select count(*) from parts); end'",
  );
  await run("select nested()", 4);
  await using target = await open();
  const workload = await readWorkload(target);
  expect(callsOf(workload, "from parts")).toBe(4);
  expect(callsOf(workload, "nested()")).toBe(4);
  expect(workload.notes.join()).toContain("within functions");
});

test("a delta counts the window alone; reset, eviction and restart neither go below zero nor spike", async () => {
  await run("select * from orders where id = 1", 50);
  const path = join(folder, "snapshot.json");
  {
    await using target = await open();
    const snapshot = await takeSnapshot(target);
    expect(snapshot).toBeDefined();
    if (snapshot !== undefined) await writeSnapshot(path, snapshot);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).not.toMatch(/orders|canary|select/);
    await run("select * from orders where id = 2", 3);
    const plain = await readWorkload(target, { since: await readSnapshot(path) });
    expect(plain.window.kind).toBe("delta");
    expect(callsOf(plain, "orders where id")).toBe(3);
    sane(plain);

    await client.query('select "Odd ""one".pg_stat_statements_reset()');
    await run("select * from orders where id = 2", 7);
    const reset = await readWorkload(target, { since: await readSnapshot(path) });
    expect(callsOf(reset, "orders where id")).toBe(7);
    expect(reset.notes.join()).toContain("reset within the window");
    sane(reset);

    await run("select * from orders where id = 2", 200);
    const full = await takeSnapshot(target);
    for (let at = 0; at < 150; at += 1)
      await client.query(`select ${"id, ".repeat(at)} id from parts`);
    await run("select * from orders where id = 3", 2);
    const evicted = await readWorkload(target, { since: full });
    expect(callsOf(evicted, "orders where id")).toBeLessThanOrEqual(2);
    expect(evicted.notes.join()).toContain("threw entries out");
    expect(Math.max(...evicted.statements.map((it) => it.calls))).toBeLessThan(20);
    sane(evicted);
  }
  await stop();
  await start(join(folder, "data"));
  await using target = await open();
  const restarted = await readWorkload(target, { since: await readSnapshot(path) });
  expect(restarted.notes.join()).toContain("started within the window");
  expect(callsOf(restarted, "orders where id") ?? 0).toBeLessThanOrEqual(210);
  sane(restarted);
});

test("a sample waits, tells of it and can be cancelled", async () => {
  await using target = await open();
  const steps: string[] = [];
  const sample = readWorkload(target, {
    sampleMs: 300,
    onProgress: ({ step }) => {
      if (steps.push(step) === 1) void run("select customer from orders", 3);
    },
  });
  expect(callsOf(await sample, "customer")).toBe(3);
  expect(steps[0]).toContain("Counting");
  const signal = AbortSignal.timeout(50);
  await expect(readWorkload(target, { sampleMs: 60_000, signal })).rejects.toMatchObject({
    code: "HST_DOCTOR_OPTION",
  });
});

test("texts of other roles are counted as unreadable, and said", async () => {
  await client.query("create role w_blind login password 'p'");
  await run("select note from orders", 3);
  const url = new URL(server.url);
  url.username = "w_blind";
  url.password = "p";
  await client.query('grant usage on schema "Odd ""one" to w_blind');
  await using target = await openTarget(connectionFrom(url.href, {}));
  const workload = await readWorkload(target);
  expect(workload.unreadable).toBeGreaterThan(0);
  expect(workload.shareSeen).toBeLessThan(0.2);
  expect(workload.notes.join()).toContain("grant it pg_monitor");
});

test("without the extension the report says how to get it", async () => {
  await using db = await freshDatabase();
  await using target = await openTarget(connectionFrom(db.url, {}));
  expect(await takeSnapshot(target)).toBeUndefined();
  const workload = await readWorkload(target);
  expect(workload.source).toBe("none");
  expect(workload.notes.join()).toContain("CREATE EXTENSION");
});

test("a snapshot of another server is refused, and so is a file that is none", async () => {
  await using db = await freshDatabase();
  const admin = new pg.Client({ connectionString: db.url });
  await admin.connect();
  await admin.query("create extension pg_stat_statements");
  await admin.end();
  await using there = await openTarget(connectionFrom(db.url, {}));
  const since = await takeSnapshot(there);
  await using target = await open();
  await expect(readWorkload(target, { since })).rejects.toMatchObject({
    code: "HST_DOCTOR_OPTION",
  });
  const path = join(folder, "bad.json");
  const good = JSON.stringify(since);
  for (const bad of [
    "",
    "[]",
    "{canary",
    good.replace("snapshot/2", "snapshot/3"),
    good.replace(/}$/, ',"health":{"deadlocks":-1}}'),
    good.replace(/}$/, ',"health":[]}'),
    good.replace(/"takenAt":[\d.]+/, '"takenAt":-1'),
    good.replace(/"queryId":"/, '"queryId":"x'),
    good.replace(/"calls":\d+/, '"calls":"1"'),
    good.replace(/"hidden":\{[^}]*\}/, '"hidden":null'),
  ]) {
    writeFileSync(path, bad);
    const error = await readSnapshot(path).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "HST_DOCTOR_FILE" });
    expect(String(error)).not.toContain("canary");
  }
  expect(snapshotIn(good)).toEqual(since);
  expect(snapshotIn(good.replace("snapshot/2", "snapshot/1"))).toEqual(since);
  const health = { deadlocks: 3, atMs: 1 };
  expect(snapshotIn(JSON.stringify({ ...since, health })).health).toEqual(health);
  await expect(readSnapshot(join(folder, "none.json"))).rejects.toMatchObject({
    code: "HST_DOCTOR_FILE",
  });
});
