/** Batches of one request, against a real database, with cached loads that share one. */
import { createCache } from "hasten/cache";
import { type Coherence, createDatabase, type Database, openCoherence, sql } from "hasten/postgres";
import { expectQueries } from "hasten/testing";
import { loadMany } from "hasten/traces";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inTrace, Trace } from "../../../src/core/trace/index.ts";

interface User {
  readonly id: number;
  readonly name: string;
}
let fresh: TestDatabase;
let db: Database;
let coherence: Coherence;
let cache: ReturnType<typeof createCache>;

beforeAll(async () => {
  fresh = await freshDatabase();
  const plain = createDatabase({ url: fresh.url });
  await plain.execute(sql`create table users (id int primary key, name text)`);
  await plain.execute(sql`create table items (id int primary key, owner int, label text)`);
  await plain.execute(sql`insert into users select n, 'user ' || n from generate_series(1, 50) n`);
  await plain.execute(sql`insert into items select n, n % 5, 'i' from generate_series(1, 50) n`);
  await plain.drain();
  coherence = await openCoherence({ url: fresh.url, autoSetup: true });
  cache = createCache({ name: "load-many", tracked: true, log: coherence.log });
  coherence.attach(cache);
  db = createDatabase({ url: fresh.url, cache });
  coherence.watch(db.pool);
});
afterAll(async () => {
  await cache.close();
  await db.drain();
  await coherence.close();
  await fresh.drop();
});

const users = () =>
  loadMany((ids: readonly number[]) => db.byIds<User, number>("users", "id", ids));
const inRequest = <T>(work: () => Promise<T>): Promise<T> => inTrace(new Trace(), work);

test("twenty calls are one statement, and lists are one, too", async () => {
  const userById = users();
  const ids = Array.from({ length: 20 }, (_, n) => n + 1);
  const found = await expectQueries(() => Promise.all(ids.map((id) => userById(id)))).toBe(1);
  expect(found.map((user) => user?.name)).toEqual(ids.map((id) => `user ${id}`));
  const itemsOf = loadMany(
    (owners: readonly number[]) =>
      db.query<{ owner: number }>(sql`select * from items where owner = any(${owners})`),
    { groupBy: ({ owner }) => owner },
  );
  const items = await expectQueries(() => itemsOf.many([1, 2, 99])).toBe(1);
  expect(items.map(({ length }) => length)).toEqual([10, 10, 0]);
});

const key = () => cache.key("user", (id: number) => [id]).of<User | undefined>();

test("cached loads of one request share a batch, and each drops out when its row changes", async () => {
  const [userById, userKey] = [users(), key()];
  const read = (id: number) => cache.getOrSet(userKey(id), () => userById(id), { ttlMs: 600_000 });
  const both = () => inRequest(() => Promise.all([read(1), read(2)]));
  let first: readonly (User | undefined)[] = [];
  await expectQueries(async () => {
    first = await both();
  }).toBe(1);
  expect(first.map((user) => user?.name)).toEqual(["user 1", "user 2"]);
  await expectQueries(both).toBe(0);
  for (const id of [2, 1]) {
    const name = `renamed ${id}`;
    await db.execute(sql`update users set name = ${name} where id = ${id}`);
    const now = await both();
    expect(now[id - 1]?.name).toBe(name);
  }
});

test("two requests share no batch", async () => {
  const userById = users();
  await expectQueries(() => Promise.all([5, 5].map((id) => inRequest(() => userById(id))))).toBe(2);
});
