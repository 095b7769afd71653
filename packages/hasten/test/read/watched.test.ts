/** Cached loads that stream, on a database whose changes are followed. */
import { createDatabase, type Database, sql } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, exec, openShop, SCHEMA, type Shop } from "../coherence/shop.ts";

let target: TestDatabase;
let shop: Shop;
let db: Database;
beforeAll(async () => {
  target = await freshDatabase();
  await exec(
    target.url,
    ...SCHEMA,
    "insert into customers select g, 'c' || g from generate_series(6, 3000) g",
  );
  shop = await openShop({ url: target.url, autoSetup: true });
  db = createDatabase({ url: target.url, pool: { min: 0, max: 4 } });
  shop.coherence.watch(db.pool);
});
afterAll(async () => {
  await db?.drain();
  await shop?.[Symbol.asyncDispose]();
  await target?.drop();
});

interface Answer {
  readonly names: readonly string[];
  readonly loaded: boolean;
}

async function cached(name: string, rows: () => AsyncIterable<{ name: string }>, most = 9_999) {
  const key = shop.cache.key(name, (part: string) => [part]).of<readonly string[]>();
  return async (): Promise<Answer> => {
    let loaded = false;
    const names = await shop.cache.getOrSet(
      key("all"),
      async () => {
        loaded = true;
        const got: string[] = [];
        for await (const row of rows()) {
          got.push(row.name);
          if (got.length >= most) break;
        }
        return got;
      },
      { ttlMs: 60_000 },
    );
    return { names, loaded };
  };
}

const ALL = sql`select name from customers where id > ${0} order by id`;
interface Way {
  readonly name: string;
  readonly rows: () => AsyncIterable<{ name: string }>;
  readonly most?: number;
}
const WAYS: readonly Way[] = [
  { name: "stream", rows: () => db.stream(ALL) },
  { name: "early", rows: () => db.stream(ALL, { rowsPerRead: 100 }), most: 250 },
  { name: "batch", rows: () => flat(db.batchQuery([1], () => ALL)) },
];
async function* flat(answers: AsyncIterable<readonly unknown[]>): AsyncGenerator<{ name: string }> {
  for await (const rows of answers) yield* rows as { name: string }[];
}

test.each(WAYS)(
  "$name: kept until what it read is changed by a stranger, and then read again",
  async ({ name, rows, most }) => {
    const read = await cached(name, rows, most);
    // The first of its kind may be asked for before it is understood.
    await read();
    await expect.poll(async () => (await read()).loaded).toBe(false);
    await exec(target.url, `update customers set name = '${name}' where id = 7`);
    let last: Answer = await read();
    await expect
      .poll(async () => {
        last = await read();
        return last.names[6];
      })
      .toBe(name);
    await expect.poll(async () => (await read()).loaded).toBe(false);
  },
);

test("one that fails in the middle makes nothing cached, and what a COPY reads is not understood", async () => {
  const failing = await cached("failing", () =>
    db.stream<{ name: string }>(sql`select name, 1 / (2500 - id) from customers order by id`),
  );
  await expect(failing()).rejects.toMatchObject({ sqlstate: "22012" });
  await expect(failing()).rejects.toMatchObject({ sqlstate: "22012" });
  const key = shop.cache.key("copy", (part: string) => [part]).of<number>();
  await shop.cache.getOrSet(
    key("all"),
    async () => {
      const out = db.copyOut("customers");
      for await (const chunk of out) void chunk;
      return out.rowCount!;
    },
    { ttlMs: 60_000 },
  );
  expect(JSON.stringify(shop.cache.why(key("all")))).toMatch(/untracked/i);
  expect(db.stats().pool.active).toBe(0);
  await eventually(() => shop.coherence.status().state === "live");
});
