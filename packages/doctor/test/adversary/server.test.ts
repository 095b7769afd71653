import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { startPostgres } from "hasten-tools/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { type Ended, makePlace } from "./command.ts";

const SLOW = { timeout: 180_000 };
const SCHEMA = `create extension pg_stat_statements;
  create table t (id int primary key, k int);
  insert into t select i, i % 900 from generate_series(1, 5000) i; analyze;
  select pg_stat_statements_reset();
  select count(*) from t where k = 4;`;

async function query(url: string, ...texts: readonly string[]): Promise<readonly object[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  let rows: readonly object[] = [];
  for (const text of texts) rows = (await client.query<object>(text)).rows ?? [];
  await client.end();
  return rows;
}

function expectGone(ended: Ended): void {
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(ended.err).toMatch(/session with the server is gone.*\. See whether.*HST_DOCTOR_TARGET/);
  expect(ended.err).not.toMatch(/\n {4}at /);
}

/** Passes bytes on until it is told to cut the line. */
async function startLine(to: string) {
  const { hostname, port } = new URL(to);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    server.once("cut", () => near.resetAndDestroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(to);
  url.port = String((server.address() as AddressInfo).port);
  return { url: url.href, cut: () => server.emit("cut"), close: () => server.close() };
}

test.each(["Reading the catalog", "Checking health", "Planning with", "Reading plans"])(
  "the line is cut while it is %s: exit 2, what to do, nothing left",
  SLOW,
  async (step) => {
    await using database = await freshDatabase();
    await using place = await makePlace();
    await query(database.url, SCHEMA);
    const line = await startLine(database.url);
    const run = place.start(["--html", "r.html"], { url: line.url });
    await run.said(step);
    line.cut();
    expectGone(await run.ended);
    line.close();
    expect(await place.left()).toEqual([]);
    await expect(stat(join(place.folder, "r.html"))).rejects.toThrow("ENOENT");
  },
);

test("the session is ended from outside, or the server is killed", SLOW, async () => {
  await using place = await makePlace();
  const server = await startPostgres();
  const first = place.start(["--only", "health"], { url: server.url });
  await first.said("Checking health");
  await query(
    server.url,
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hasten-doctor'",
  );
  expectGone(await first.ended);
  const second = place.start(["--sample", "60s"], { url: server.url });
  await second.said("Checking health");
  process.kill(server.pid, "SIGKILL");
  expectGone(await second.ended);
  await server.stop();
  expect(await place.left()).toEqual([]);
});

test("each statement is ended by its time-out: parts are told, the run goes on", SLOW, async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  await query(database.url, SCHEMA);
  const ended = await place.run(["--statement-timeout", "100ms", "--json"], { url: database.url });
  expect([ended.code, ended.err]).toEqual([0, expect.not.stringContaining("unexpected")]);
  expect(await place.left()).toEqual([]);
});

test("through PgBouncer in transaction mode, with one connection to the server", SLOW, async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  await query(database.url, SCHEMA);
  await using bouncer = await startPgBouncer({ to: database.url, poolSize: 1 });
  const ended = await place.run(["--json"], { url: bouncer.url });
  expect([ended.code, ended.err]).toEqual([0, expect.not.stringContaining("unexpected")]);
  const report = JSON.parse(ended.out) as { notes: string[]; coverage: { share: number }[] };
  expect(report.notes.join()).toContain("pooler");
  expect(report.notes.filter((it) => it.startsWith("Not looked at"))).toEqual([]);
  expect(report.coverage.filter(({ share }) => share < 0.5)).toEqual([]);
  const kept = await query(
    bouncer.url,
    `select name, setting from pg_settings where source = 'session'
      and name <> 'application_name' and name not like 'client%' order by name`,
  );
  expect(
    kept.filter((it) => "name" in it && /timeout|read_only|search_path/.test(String(it.name))),
  ).toEqual([]);
  await bouncer.stop();
});

test(
  "a role whose only connection is taken, one that may not connect, one unknown",
  SLOW,
  async () => {
    await using database = await freshDatabase();
    await using place = await makePlace();
    const tag = database.name.slice(-8);
    await query(database.url, `create role one_${tag} login password 'hunter2' connection limit 1`);
    const url = new URL(database.url);
    url.username = `one_${tag}`;
    url.password = "hunter2";
    const alone = await place.run(["--only", "health"], { url: url.href });
    expect(alone.code).toBe(0);
    const holder = new pg.Client({ connectionString: url.href });
    await holder.connect();
    const refused = await place.run([], { url: url.href });
    await holder.end();
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringMatching(/no free connection.*53300/),
    ]);
    await query(database.url, `revoke connect on database ${database.name} from public`);
    const denied = await place.run([], { url: url.href });
    expect([denied.code, denied.err]).toEqual([2, expect.stringContaining("GRANT CONNECT")]);
    url.password = "wrong-hunter2";
    const wrong = await place.run([], { url: url.href });
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("password")]);
    for (const { out, err } of [refused, denied, wrong])
      expect((out + err).includes("hunter2")).toBe(false);
    url.searchParams.set("sslmode", "require");
    const plain = await place.run([], { url: url.href });
    expect([plain.code, plain.err]).toEqual([2, expect.stringContaining("encryption")]);
    await query(database.url, `drop role one_${tag}`);
  },
);

test("a URL in the arguments: a note on stderr, the password nowhere", SLOW, async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  const tag = database.name.slice(-8);
  await query(database.url, `create role pass_${tag} login password 'hun/ter2%'`);
  const url = new URL(database.url);
  url.username = `pass_${tag}`;
  url.password = "hun%2Fter2%25";
  const ended = await place.run(
    ["--only", "health", "--html", "r.html", "--json", "r.json", url.href],
    {},
  );
  expect(ended.code).toBe(0);
  expect(ended.err).toContain("process list");
  const asParameter = `postgres://${url.host}${url.pathname}?user=pass_${tag}&password=hun%2Fter2%25`;
  const second = await place.run(["--only", "health", asParameter], {});
  expect([second.code, second.err]).toEqual([0, expect.stringContaining("process list")]);
  const texts = await Promise.all(
    ["r.html", "r.json"].map((it) => readFile(join(place.folder, it), "utf8")),
  );
  for (const text of [ended.out, ended.err, second.out, second.err, ...texts])
    expect(/hun(?:%2F|\/)ter2/.test(text)).toBe(false);
  await query(database.url, `drop owned by pass_${tag}; drop role pass_${tag}`);
});

test("what a killed run leaves is private, and the next run takes it away", SLOW, async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  await query(database.url, SCHEMA);
  const run = place.start([], { url: database.url });
  await run.said("Copying statistics");
  const left = await place.left();
  expect(left.length).toBeGreaterThan(0);
  for (const name of left) expect((await stat(join(place.temporary, name))).mode & 0o077).toBe(0);
  run.kill("SIGKILL");
  await run.ended;
  expect(await place.left()).toEqual(left);
  // Of somebody who is still there, and what only looks like ours.
  const others = [`hasten-doctor-model-${process.pid}-abc`, "hasten-doctor-model-x"];
  for (const name of others) await mkdir(join(place.temporary, name), { mode: 0o700 });
  await writeFile(join(place.temporary, others[0] ?? "", "f"), "");
  expect((await place.run([], { url: database.url })).code).toBe(0);
  expect([...(await place.left())].sort()).toEqual([...others].sort());
});
