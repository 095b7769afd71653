import { AssertionError } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text as textColumn } from "drizzle-orm/pg-core";
import { observe, sql } from "hasten/postgres";
import { expectQueries, noNPlusOne } from "hasten/testing";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inTrace, Trace } from "../../../src/core/trace/index.ts";
import { openShop, type Shop } from "./shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const one = (id: number) => shop.db.queryOne(sql`select name from users where id = ${id}`);
const failureOf = async (work: Promise<unknown>): Promise<AssertionError> => {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(AssertionError);
  return error as AssertionError;
};

test("statements of requests through HTTP count, and the value is given back", async () => {
  const text = await expectQueries(() => shop.get("/joined")).toBe(1);
  expect(JSON.parse(text)).toHaveLength(20);
  await expectQueries(() => shop.get("/posts?n=4")).toBe(5);
  await expectQueries(() => Promise.all([shop.get("/joined"), shop.get("/joined")])).toBe(2);
  await expectQueries(() => shop.get("/posts?n=4")).toBeAtMost(5);
  await expectQueries(() => shop.get("/posts?n=4")).toBeBetween(1, 5);
  await expectQueries(() => 7).toBe(0);
});

test("direct calls count; BEGIN and COMMIT do not; what ends late does", async () => {
  await expectQueries(() => one(1)).toBe(1);
  await expectQueries(() =>
    shop.db.transaction(async (tx) => {
      await tx.query(sql`select 1 from users`);
      await tx.query(sql`update users set name = name where id = 1`);
    }),
  ).toBe(2);
  let late: Promise<unknown> | undefined;
  await expectQueries(() => {
    late = shop.db.query(sql`select pg_sleep(0.1) from users limit 1`);
  }).toBe(1);
  await late;
});

test("a trace that was open before does not count, nor does what comes after", async () => {
  const earlier = new Trace();
  await expectQueries(() => inTrace(earlier, () => one(1))).toBe(0);
  await one(1);
  await expectQueries(() => undefined).toBe(0);
});

test("a wrong number lists the statements with their lines, and names the N+1", async () => {
  const error = await failureOf(expectQueries(() => shop.get("/posts?n=6")).toBe(2));
  expect(error).toMatchObject({ actual: 7, expected: 2, code: "ERR_ASSERTION" });
  expect(error.message).toMatch(
    /^7 queries instead of 2:\n {4}6× select \* from users where id = \$n/,
  );
  expect(error.message).toMatch(/1× select id, author from posts order by id limit \$n/);
  expect(error.message).toMatch(/N\+1 in the test/);
  expect(error.message).toMatch(
    /at listPosts \(packages\/hasten\/test\/traces\/findings\/shop\.ts:5\d:/,
  );
  expect(error.message).toContain('db.byIds("users", "id", ids)');
  const atMost = await failureOf(expectQueries(() => one(1)).toBeAtMost(0));
  expect(atMost.message).toMatch(/^1 query instead of 0:/);
  const between = await failureOf(expectQueries(() => one(1)).toBeBetween(2, 3));
  expect(between.message).toMatch(/^1 query instead of 2 to 3:/);
});

test("noNPlusOne names line and fix, and lets the joined one pass", async () => {
  await expect(noNPlusOne(() => shop.get("/joined"))).resolves.toContain("user 1");
  await expect(noNPlusOne(() => shop.get("/posts?n=2"))).resolves.toContain("user 1");
  const error = await failureOf(noNPlusOne(() => shop.get("/posts?n=20")));
  expect(error.message).toMatch(/^1 finding: n-plus-one at listPosts:/);
  expect(error.message).toMatch(/> \d+ \| +const author = await db\.queryOne/);
  expect(error.message).toMatch(/Just before, one statement brought 20 rows.*from posts/);
  expect(error.message).not.toContain("user 1");
});

test("accepted are: other kinds, what is allowed, what the baseline holds", async () => {
  const twice = async (): Promise<void> => {
    await one(1);
    await one(1);
  };
  await noNPlusOne(twice);
  expect((await failureOf(noNPlusOne(twice, { kinds: ["duplicate"] }))).message).toMatch(
    /duplicate/,
  );
  const many = () => shop.get("/posts?n=20");
  await noNPlusOne(many, { allow: [{ site: "findings/shop.ts:listPosts" }] });
  await noNPlusOne(many, { thresholds: { repeatsMin: 21 } });
  const folder = mkdtempSync(join(tmpdir(), "hasten-baseline-"));
  const baseline = join(folder, "queries.json");
  await noNPlusOne(many, { baseline, updateBaseline: true });
  await noNPlusOne(many, { baseline });
  const loop = async () => {
    for (const id of [1, 2, 3]) await one(id);
  };
  await failureOf(noNPlusOne(loop, { baseline }));
  rmSync(folder, { recursive: true });
});

test("two at once are refused, and a failed one holds up nobody", async () => {
  const first = expectQueries(() => one(1)).toBe(1);
  await expect(noNPlusOne(() => one(2))).rejects.toThrow("HST_TEST_OVERLAP");
  await first;
  await expect(expectQueries(() => Promise.reject(new Error("x"))).toBe(0)).rejects.toThrow("x");
  const inside = expectQueries(() => expectQueries(() => one(1)).toBe(1)).toBe(1);
  await expect(inside).rejects.toThrow("HST_TEST_OVERLAP");
  await expectQueries(() => one(1)).toBe(1);
  await expect(expectQueries(() => 1).toBe(-1)).rejects.toThrow("HST_TEST_COUNT");
  await expect(expectQueries(() => 1).toBeBetween(3, 2)).rejects.toThrow("HST_TEST_COUNT");
});

test("Promise.all is a loop, too, and a loop of cursors is one", async () => {
  const together = await failureOf(noNPlusOne(() => Promise.all([1, 2, 3, 4].map(one))));
  expect(together.message).toMatch(/4 times with 4 different parameters, side by side/);
  const streams = async (): Promise<void> => {
    for (const id of [1, 2, 3])
      for await (const _row of shop.db.stream(sql`select name from users where id > ${id}`))
        void _row;
  };
  const cursors = await failureOf(noNPlusOne(streams));
  expect(cursors.message).toMatch(/at streams \(/);
});

test("node:test tells it as a failed assertion", () => {
  const file = fileURLToPath(new URL("by-node-test.ts", import.meta.url));
  const args = ["--conditions=hasten-source", "--test", "--test-reporter=tap", file];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  expect(status).toBe(1);
  expect(stdout).toMatch(/ok 1 - passes/);
  expect(stdout).toMatch(/not ok 2 - fails[\s\S]*0 queries instead of 3[\s\S]*ERR_ASSERTION/);
  expect(stdout).toMatch(/expected: 3\n\s+actual: 0/);
});

test("what passes because its line is not known is a warning, and says how to know it", async () => {
  const users = pgTable("users", { id: integer(), name: textColumn() });
  const pool = shop.db.pool as unknown as pg.Pool;
  const seen = observe(pool);
  const db = drizzle({ client: pool });
  const warnings: Error[] = [];
  const warned = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", warned);
  const eachUser = async () => {
    for (let id = 1; id <= 5; id++) await db.select().from(users).where(eq(users.id, id));
  };
  try {
    await noNPlusOne(eachUser);
    await expect.poll(() => warnings.map(({ name }) => name)).toEqual(["HastenWarning"]);
    expect(warnings[0]?.message).toMatch(/^noNPlusOne lets this pass: N\+1 .*from users/s);
    expect(warnings[0]?.message).toContain("observe(db)");
    const lines = observe(db);
    await expect(noNPlusOne(eachUser)).rejects.toThrow(/eachUser/);
    lines.close();
  } finally {
    process.off("warning", warned);
    seen.close();
  }
});
