import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "hasten-tools/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startPooler } from "./pooler.ts";
import { eventually, exec, openShop, SCHEMA, stranger } from "./shop.ts";

const BOUND_MS = 500;
const ORDERS = "select id, total from orders order by id";
const BARE = "select n from bare";

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
  await exec(database.url, ...SCHEMA);
});
afterEach(() => database.drop());

const sessionsOf = async (url: string): Promise<readonly string[]> => {
  await using client = await stranger(url);
  const { rows } = await client.query(
    `select application_name as name from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type in ('client backend', 'walsender')
     union all select slot_name from pg_replication_slots where database = current_database()`,
  );
  return rows.map(({ name }) => String(name));
};

describe("setting up", () => {
  test("autoSetup creates the publication; a table added later joins it; close leaves no slot, session or timer", async () => {
    {
      await using shop = await openShop({ url: database.url, autoSetup: true });
      expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "stream" });
      await exec(
        database.url,
        "create table late (id int primary key)",
        "create table bare (n int)",
      );
      await eventually(() => shop.events.some(({ detail }) => detail.includes("public.late")));
      await exec(database.url, "insert into bare values (1)", "update bare set n = 2");
      const status = await shop.coherence.recheck();
      expect(status.findings.find(({ id }) => id === "identity-missing")!.tables).toEqual([
        "public.bare",
      ]);
      // Untracked: by its time to live only, and its own UPDATE still works.
      expect((await shop.read(BARE)).rows).toEqual([{ n: 2 }]);
    }
    await expect.poll(() => sessionsOf(database.url)).toEqual([]);
  });

  test("four processes that set up at once all stream", async () => {
    const shops = await Promise.all(
      Array.from({ length: 4 }, () => openShop({ url: database.url, autoSetup: true })),
    );
    expect(shops.map(({ coherence }) => coherence.promise)).toEqual(Array(4).fill("stream"));
    for (const shop of shops) await shop[Symbol.asyncDispose]();
    await expect.poll(() => sessionsOf(database.url)).toEqual([]);
  });

  test("nothing is created unless told to", async () => {
    await using shop = await openShop({ url: database.url });
    expect(shop.coherence.promise).toBe("own-writes");
    await using client = await stranger(database.url);
    expect((await client.query("select from pg_publication")).rows).toEqual([]);
    expect((await client.query("select to_regnamespace('hasten') as it")).rows).toEqual([
      { it: null },
    ]);
  });
});

describe("while running", () => {
  test("the publication is dropped: nothing stale, a weaker promise by name, and back", async () => {
    await exec(database.url, "create publication hasten for table orders, customers, lines, apart");
    await using shop = await openShop({ url: database.url });
    await using writer = await stranger(database.url);
    expect(shop.coherence.promise).toBe("stream");
    await shop.read(ORDERS);
    await writer.query("drop publication hasten");
    await writer.query("update orders set total = 1 where id = 1");
    expect(await shop.until(ORDERS, ([row]) => row?.["total"] === 1)).toBeLessThan(BOUND_MS);
    await eventually(() => shop.coherence.promise === "own-writes");
    expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 1 });
    expect(shop.coherence.status().because).toContain("publication");
    await writer.query("create publication hasten for table orders, customers, lines, apart");
    await eventually(() => shop.coherence.promise === "stream");
    await writer.query("update orders set total = 2 where id = 1");
    await shop.until(ORDERS, ([row]) => row?.["total"] === 2);
  });

  test("a table is taken out of the publication: untracked from then on, never stale", async () => {
    await exec(database.url, "create publication hasten for table orders, apart");
    await using shop = await openShop({ url: database.url });
    await using writer = await stranger(database.url);
    await shop.read(ORDERS);
    await writer.query("alter publication hasten drop table orders");
    await writer.query("update orders set total = 5 where id = 1");
    expect(await shop.until(ORDERS, ([row]) => row?.["total"] === 5)).toBeLessThan(BOUND_MS);
    expect((await shop.read(ORDERS)).loaded).toBe(false);
    expect(shop.why(ORDERS).untracked[0]).toContain("public.orders");
  });

  test("the change log is dropped: nothing stale, a weaker promise, and back when it is set up again", async () => {
    await using shop = await openShop({ url: database.url, autoSetup: "triggers" });
    await using writer = await stranger(database.url);
    expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "triggers" });
    await shop.read(ORDERS);
    await writer.query("drop schema hasten cascade");
    await writer.query("update orders set total = 8 where id = 1");
    expect(await shop.until(ORDERS, ([row]) => row?.["total"] === 8)).toBeLessThan(BOUND_MS);
    await eventually(() => shop.events.filter(({ kind }) => kind === "setup").length > 6);
    await eventually(() => shop.coherence.status().state === "live");
    expect(shop.coherence.promise).toBe("triggers");
  });

  test("handing over drops nothing and misses nothing", async () => {
    await exec(database.url, "create publication hasten for table orders, apart");
    await using shop = await openShop({ url: database.url });
    await using writer = await stranger(database.url);
    await shop.read(ORDERS);
    const before = await sessionsOf(database.url);
    await shop.coherence.handOver();
    expect((await shop.read(ORDERS)).loaded).toBe(false);
    expect(shop.coherence.status().state).toBe("live");
    await writer.query("update orders set total = 3 where id = 1");
    expect(await shop.until(ORDERS, ([row]) => row?.["total"] === 3)).toBeLessThan(BOUND_MS);
    await expect.poll(async () => (await sessionsOf(database.url)).length).toBe(before.length);
  });

  test("the server is restarted: what was cached is not fresh, and the stream comes back", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "hasten-restart-"));
    await chmod(dataDir, 0o755);
    const flags = ["-c", "wal_level=logical"];
    let server = await startPostgres({ dataDir: join(dataDir, "data"), flags });
    const { url, port } = server;
    try {
      await exec(url, ...SCHEMA);
      await server.stop();
      // Down at first, and up later.
      await using shop = await openShop({ url, autoSetup: true, startMs: 200 });
      expect(shop.coherence.status().state).toBe("connecting");
      server = await startPostgres({ dataDir: join(dataDir, "data"), flags, port });
      await eventually(() => shop.coherence.status().state === "live");
      await shop.read(ORDERS);
      expect(shop.why(ORDERS)).toMatchObject({ state: "fresh", promise: "stream" });

      await server.stop();
      await eventually(() => shop.coherence.status().state === "lost");
      await expect.poll(() => shop.why(ORDERS).state).not.toBe("fresh");
      await expect(shop.read(ORDERS)).rejects.toThrow();
      server = await startPostgres({ dataDir: join(dataDir, "data"), flags, port });
      await exec(url, "update orders set total = 6 where id = 1");
      await shop.until(ORDERS, ([row]) => row?.["total"] === 6).catch(() => undefined);
      await eventually(() => shop.coherence.status().state === "live");
      expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 6 });
    } finally {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

describe("servers that lack something", () => {
  test("the database is down at start: it opens, promises nothing, and queues", async () => {
    const port = 40_000 + Math.trunc(Math.random() * 20_000);
    const opening = openShop({
      url: `postgres://postgres:x@127.0.0.1:${port}/postgres`,
      startMs: 300,
    });
    await using shop = await opening;
    expect(shop.coherence.status()).toMatchObject({ state: "connecting", promise: "ttl" });
    expect(await shop.cache.delete({ tags: ["x"] })).toMatchObject({ kind: "queued" });
  });

  test("wal_level=replica: own writes, and triggers where they are set up", async () => {
    const server = await startPostgres({ flags: ["-c", "wal_level=replica"] });
    try {
      await exec(server.url, ...SCHEMA);
      {
        await using shop = await openShop({ url: server.url, autoSetup: true });
        expect(shop.coherence.status()).toMatchObject({ promise: "own-writes" });
        expect(shop.coherence.status().because).toContain("wal_level");
      }
      await using shop = await openShop({ url: server.url, autoSetup: "triggers" });
      expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "triggers" });
    } finally {
      await server.stop();
    }
  });

  test("a transaction that was open before the stream: own writes until it ends, and no change missed", async () => {
    await exec(database.url, "create publication hasten for table orders, apart");
    await using writer = await stranger(database.url);
    await writer.query("begin");
    await writer.query("update orders set total = 99 where id = 2");
    await using shop = await openShop({ url: database.url, startMs: 500 });
    await eventually(() => shop.coherence.status().state === "live");
    await shop.read(ORDERS);
    await writer.query("commit");
    await eventually(() => shop.coherence.promise === "stream");
    expect(await shop.until(ORDERS, (rows) => rows[1]?.["total"] === 99)).toBeLessThan(BOUND_MS);
  });

  test("slots exhausted: a clear finding, own writes, and the stream as soon as one is free", async () => {
    const server = await startPostgres({
      flags: ["-c", "wal_level=logical", "-c", "max_replication_slots=1"],
    });
    try {
      await exec(server.url, ...SCHEMA, "create publication hasten for table orders");
      await exec(server.url, "select pg_create_physical_replication_slot('other')");
      await using shop = await openShop({ url: server.url });
      expect(shop.coherence.status().because).toContain("replication slots are in use");
      expect(shop.coherence.promise).toBe("own-writes");
      await exec(server.url, "select pg_drop_replication_slot('other')");
      await eventually(() => shop.coherence.promise === "stream");
      // Its own slot is no reason to think that there is none.
      await shop.coherence.recheck();
      expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "stream" });
    } finally {
      await server.stop();
    }
  });

  test("a role without REPLICATION: own writes, and the statement that gives the right", async () => {
    const role = `plain_${process.pid}`;
    await exec(
      database.url,
      "create publication hasten for table orders",
      `create role ${role} login password 'x'`,
      `grant select, update on all tables in schema public to ${role}`,
    );
    const url = new URL(database.url);
    url.username = role;
    url.password = "x";
    try {
      await using shop = await openShop({ url: url.href });
      expect(shop.coherence.promise).toBe("own-writes");
      await exec(database.url, `alter role ${role} replication`);
      await eventually(() => shop.coherence.promise === "stream");
    } finally {
      await exec(database.url, `drop owned by ${role}`, `drop role ${role}`);
    }
  });

  test("a pooler in between: said by name, and directUrl leads around it", async () => {
    await exec(database.url, "create publication hasten for table orders");
    await using pooler = await startPooler(database.url);
    {
      await using shop = await openShop({ url: pooler.url });
      expect(shop.coherence.promise).toBe("own-writes");
      expect(shop.coherence.status().because).toContain("pooler");
      await shop.read(ORDERS);
      await shop.pool.query("update orders set total = 1 where id = 1");
      expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 1 });
    }
    await using shop = await openShop({ url: pooler.url, directUrl: database.url });
    expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "stream" });
    await shop.read(ORDERS);
    await shop.pool.query("update orders set total = 2 where id = 1");
    expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 2 });
  });
});
