/** Caches in Redis that follow a database by one leader: what reaches whom. */
import { setTimeout as delay } from "node:timers/promises";
import { type Cache, createCache } from "hasten/cache";
import { type Coherence, type CoherenceOptions, openCoherence } from "hasten/postgres";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, exec } from "../../coherence/shop.ts";

const ROW = "select version from items where id = 1";
const COUNT = "select count(*)::int as version from items";

let database: TestDatabase;
let redis: RedisServer;
let opened: Process[] = [];
beforeEach(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedis()]);
  await exec(
    database.url,
    "create table items (id int primary key, version int not null)",
    "insert into items select g, 0 from generate_series(1, 5) g",
    "create table logs (id int primary key)",
  );
});
afterEach(async () => {
  for (const process of opened.reverse()) await process.close();
  opened = [];
  await Promise.all([database.drop(), redis.stop()]);
});

interface Process {
  readonly cache: Cache;
  readonly coherence: Coherence;
  readonly pool: pg.Pool;
  /** The version, and where it came from. */
  read(text?: string): Promise<{ readonly version: number; readonly loaded: boolean }>;
  close(): Promise<void>;
}

async function open(options: Partial<CoherenceOptions> = {}, shards = 1): Promise<Process> {
  const cache = createCache({ name: "items", tracked: true, redis: { source: redis.url, shards } });
  const coherence = await openCoherence({
    url: database.url,
    autoSetup: true,
    retryMs: 200,
    shared: cache.shared,
    caches: [cache],
    ...options,
  });
  const pool = coherence.watch(new pg.Pool({ connectionString: database.url, max: 4 }));
  pool.on("error", () => undefined);
  const key = cache.key("read", (text: string) => [text]).of<number>();
  const process: Process = {
    ...{ cache, coherence, pool },
    async read(text = ROW) {
      let loaded = false;
      const load = async (): Promise<number> => {
        loaded = true;
        return Number((await pool.query(text)).rows[0].version);
      };
      const version = await cache.getOrSet(key(text), load, { ttlMs: 60_000 });
      return { version, loaded };
    },
    async close() {
      await coherence.close();
      await pool.end();
      await cache.close();
    },
  };
  opened.push(process);
  return process;
}

/** Until it is answered without the database. */
async function warm(process: Process, text = ROW): Promise<number> {
  for (let at = 0; at < 200; at++) {
    const { version, loaded } = await process.read(text);
    if (!loaded) return version;
    await delay(10);
  }
  throw new Error(`never kept: ${JSON.stringify(process.coherence.status())}`);
}

test.each([1, 3])(
  "with %i shards: what one process loaded another one finds, until it is changed",
  async (shards) => {
    const [first, second] = [await open({}, shards), await open({}, shards)];
    await warm(first);
    expect(await second.read()).toEqual({ version: 0, loaded: false });
    await exec(database.url, "update items set version = 1 where id = 1");
    await delay(500);
    expect((await second.read()).version).toBe(1);
    expect((await first.read()).version).toBe(1);
    for (let version = 2; version < 12; version++) {
      const [writer, reader] = version % 2 === 0 ? [first, second] : [second, first];
      await writer.pool.query("update items set version = $1 where id = 1", [version]);
      expect((await writer.read()).version).toBe(version);
      await delay(20);
      await warm(reader);
    }
  },
);

test("another meaning of a statement is another term: what was cached under the former is gone everywhere", async () => {
  await exec(database.url, "create view shown as select version from items where id = 1");
  const [first, second] = [await open(), await open()];
  const text = "select version from shown";
  for (const process of [first, second]) expect(await warm(process, text)).toBe(0);
  await exec(
    database.url,
    "update items set version = 7 where id = 2",
    "create or replace view shown as select version from items where id = 2",
  );
  await delay(500);
  for (const process of [first, second]) expect((await process.read(text)).version).toBe(7);
  // An own change of the schema is not served from what was kept before it either.
  await first.pool.query("create or replace view shown as select 3 as version");
  expect((await first.read(text)).version).toBe(3);
  await delay(500);
  await eventually(() =>
    [first, second].every(({ coherence }) => coherence.status().state === "live"),
  );
  for (const process of [first, second]) expect(await warm(process, text)).toBe(3);
});

test("a table that is created, written and read at once is told as well", async () => {
  const [first, second] = [await open(), await open()];
  await warm(first);
  await exec(
    database.url,
    "create table later (id int primary key, version int)",
    "insert into later values (1, 1)",
  );
  await second.coherence.recheck();
  const text = "select version from later where id = 1";
  for (let version = 2; version < 8; version++) {
    await exec(database.url, `update later set version = ${version}`);
    await delay(500);
    expect((await second.read(text)).version).toBe(version);
  }
});

test("while Redis is away nothing is served by the stream; own writes do not wait; all is well afterwards", async () => {
  const [first, second] = [await open(), await open()];
  for (const process of [first, second]) await warm(process);
  await redis.kill();
  await delay(600);
  await first.pool.query("update items set version = 1 where id = 1");
  for (const process of [first, second]) {
    expect(process.coherence.status().state).not.toBe("live");
    expect((await process.read()).version).toBe(1);
  }
  const beganMs = performance.now();
  await first.pool.query("update items set version = 2 where id = 1");
  expect(performance.now() - beganMs).toBeLessThan(200);
  expect((await first.read()).version).toBe(2);
  await redis.restart();
  await eventually(() =>
    [first, second].every(({ coherence }) => coherence.status().state === "live"),
  );
  for (const process of [first, second]) expect(await warm(process)).toBe(2);
});

test("a process that starts while Redis is away is coherent by a weaker mode, and takes the stream later", async () => {
  await redis.kill();
  const process = await open({ startMs: 6_000 });
  expect(process.coherence.promise).not.toBe("stream");
  expect((await process.read()).version).toBe(0);
  await redis.restart();
  await eventually(() => process.coherence.promise === "stream", 15_000);
  await warm(process);
  await exec(database.url, "update items set version = 1 where id = 1");
  await delay(500);
  expect((await process.read()).version).toBe(1);
}, 30_000);

test("where changes cannot be streamed own writes reach the other processes through the tier", async () => {
  const options = { mode: "own-writes", autoSetup: false } as const;
  const [first, second] = [await open(options), await open(options)];
  const other = createCache({ name: "other", tracked: true });
  second.coherence.attach(other);
  for (const process of [first, second]) await warm(process, COUNT);
  await first.pool.query("insert into items values (6, 0)");
  expect((await first.read(COUNT)).version).toBe(6);
  await delay(200);
  expect((await second.read(COUNT)).version).toBe(6);
  await warm(second, COUNT);
  // Its text does not tell what it changes.
  await first.pool.query("do $$ begin insert into items values (7, 0); end $$");
  await delay(200);
  expect((await second.read(COUNT)).version).toBe(7);
  await other.close();
});

test("a cache that is not the tier's tells through coherence.log, and hears of it, by its name only", async () => {
  const [first, second] = [await open(), await open()];
  const caches = [first, second].map(({ coherence }) =>
    createCache({ name: "apart", log: coherence.log }),
  );
  const key = caches[0]!.key("k", (id: number) => [id]).of<number>();
  for (const [at, cache] of caches.entries())
    await cache.getOrSet(key(1), async () => at, { ttlMs: 60_000 });
  await warm(second);
  await caches[0]!.delete(key(1));
  await delay(200);
  expect(caches[1]!.peek(key(1))).toBeUndefined();
  expect((await second.read()).loaded).toBe(false);
  for (const cache of caches) await cache.close();
});
