import { setTimeout as delay } from "node:timers/promises";
import { setUp } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exec, openShop, SCHEMA, stranger } from "./shop.ts";

const BOUND_MS = 500;
const CUSTOMER = "select name from customers where id = 1";
const ORDERS = "select id, total from orders order by id";
const LINES = "select count(*)::int as n from lines";
const AUDIT = "select count(*)::int as n from audit";
const APART = "select name from apart";

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
  await exec(database.url, ...SCHEMA);
});
afterEach(() => database.drop());

describe.each(["stream", "triggers"] as const)("%s", (mode) => {
  beforeEach(() => setUp({ url: database.url, triggers: mode === "triggers" }));

  test("a foreign change is seen within the bound, with what it cascades to and triggers; the rest stays hot", async () => {
    await using shop = await openShop({ url: database.url, mode });
    await using writer = await stranger(database.url);
    expect(shop.coherence.status()).toMatchObject({ state: "live", promise: mode });
    for (const text of [CUSTOMER, ORDERS, LINES, AUDIT, APART]) {
      expect((await shop.read(text)).loaded).toBe(true);
      expect((await shop.read(text)).loaded).toBe(false);
    }
    await writer.query("update customers set name = 'foreign' where id = 1");
    expect(await shop.until(CUSTOMER, ([row]) => row?.["name"] === "foreign")).toBeLessThan(
      BOUND_MS,
    );
    expect(await shop.until(AUDIT, ([row]) => row?.["n"] === 1)).toBeLessThan(BOUND_MS);

    await writer.query("delete from customers where id = 1");
    expect(await shop.until(LINES, ([row]) => row?.["n"] === 4)).toBeLessThan(BOUND_MS);
    expect(await shop.until(ORDERS, (rows) => rows.length === 4)).toBeLessThan(BOUND_MS);

    await writer.query("truncate lines");
    expect(await shop.until(LINES, ([row]) => row?.["n"] === 0)).toBeLessThan(BOUND_MS);
    expect(shop.why(APART)).toMatchObject({ state: "fresh", promise: mode });
    expect((await shop.read(APART)).loaded).toBe(false);
  });

  test("after the bound nothing is stale, whatever is read when", async () => {
    await using shop = await openShop({ url: database.url, mode, boundMs: 200 });
    await using writer = await stranger(database.url);
    for (let total = 1; total <= 10; total++) {
      await shop.read(ORDERS);
      await writer.query("update orders set total = $1 where id = 3", [total]);
      await delay(200);
      const { rows } = await shop.read(ORDERS);
      expect(rows[2]).toEqual({ id: 3, total });
    }
  });

  test("an own write is seen by the next read, with what it cascades to and triggers", async () => {
    await using shop = await openShop({ url: database.url, mode });
    for (let round = 2; round <= 5; round++) {
      for (const text of [CUSTOMER, ORDERS, LINES, AUDIT]) await shop.read(text);
      await shop.pool.query("update customers set name = $1 where id = 1", [`own ${round}`]);
      expect((await shop.read(CUSTOMER)).rows).toEqual([{ name: `own ${round}` }]);
      expect((await shop.read(AUDIT)).rows).toEqual([{ n: round - 1 }]);
      await shop.pool.query("delete from customers where id = $1", [round]);
      expect((await shop.read(LINES)).rows).toEqual([{ n: 6 - round }]);
      expect((await shop.read(ORDERS)).rows).toHaveLength(6 - round);
    }
  });

  test("two processes: invalidations by the application reach the other one within the bound", async () => {
    await using one = await openShop({ url: database.url, mode });
    await using two = await openShop({ url: database.url, mode });
    const key = two.cache.key("number", (n: number) => [n]).of<number>();
    let value = 1;
    const load = () => two.cache.getOrSet(key(1), () => value, { tags: ["numbers"] });
    expect(await load()).toBe(1);
    value = 2;
    expect(await load()).toBe(1);
    expect(await one.cache.delete({ tags: ["numbers"] })).toEqual({ kind: "applied" });
    await delay(BOUND_MS);
    expect(await load()).toBe(2);
  });
});

describe("own-writes", () => {
  test("an own write is seen by the next read, foreign-key cascades included; others by the TTL only", async () => {
    await using shop = await openShop({ url: database.url });
    await using writer = await stranger(database.url);
    expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "own-writes" });
    expect(shop.coherence.status().because).toContain("publication");
    for (const text of [ORDERS, LINES, APART]) await shop.read(text);
    await shop.pool.query("delete from orders where id = 2");
    expect((await shop.read(LINES)).rows).toEqual([{ n: 4 }]);
    expect((await shop.read(ORDERS)).rows).toHaveLength(4);
    expect((await shop.read(APART)).loaded).toBe(false);

    await writer.query("delete from orders where id = 3");
    await delay(BOUND_MS + 100);
    expect((await shop.read(ORDERS)).rows).toHaveLength(4);
  });

  test("a write that fires triggers drops what it may have changed elsewhere", async () => {
    await using shop = await openShop({ url: database.url });
    await shop.read(AUDIT);
    await shop.pool.query("update customers set name = 'x' where id = 1");
    expect((await shop.read(AUDIT)).rows).toEqual([{ n: 1 }]);
  });

  test("a transaction: nothing before COMMIT, everything after, nothing for ROLLBACK", async () => {
    await using shop = await openShop({ url: database.url });
    await shop.read(ORDERS);
    const client = await shop.pool.connect();
    await client.query("begin");
    await client.query("update orders set total = 77 where id = 1");
    expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 10 });
    await client.query("commit");
    expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 77 });
    await client.query("begin");
    await client.query("update orders set total = 78 where id = 1");
    await client.query("rollback");
    expect((await shop.read(ORDERS)).rows[0]).toEqual({ id: 1, total: 77 });
    client.release();
  });
});
