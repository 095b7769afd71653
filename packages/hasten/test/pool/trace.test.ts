/** What a trace knows of a checkout, a checkout of its trace, and the facade of pools. */
import { hasten } from "hasten/express";
import { watchPool } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { Events, knexOf, poolOf } from "./pools.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(async () => {
  await target?.drop();
});

test("the wait of an explicit connect() is the trace's, and a leak names the trace", async () => {
  const pool = poolOf(target, { max: 1 });
  const events = new Events();
  const watch = watchPool(pool, { leakMs: 50, onEvent: events.listen });
  const first = await pool.connect();
  setTimeout(() => first.release(), 40);
  const trace = new Trace();
  trace.name = "GET /api/orders/:id";
  const client = await inTrace(trace, () => pool.connect());
  await inTrace(trace, () => client.query("select 1"));
  expect(trace.queries.checkoutWaitMs).toBeGreaterThan(30);
  const { checkoutWaitMs } = trace.queries;
  await expect.poll(() => events.of("leak").length).toBe(1);
  expect(events.of("leak")[0]!.checkout.trace).toBe("GET /api/orders/:id");
  client.release();
  await inTrace(trace, () => pool.query("select 1"));
  expect(trace.queries.checkoutWaitMs).toBe(checkoutWaitMs);
  watch.close();
  await pool.end();
});

test("hasten() watches its pool, pools given to h.watch and libraries given to h.watchPool, and says so", async () => {
  const said: string[] = [];
  const h = await hasten({
    postgres: { url: target.url, pool: { min: 0, max: 2 } },
    coherence: { mode: "ttl" },
    poolWatch: { leakMs: 50, logEveryMs: 100, say: true },
    say: (line) => said.push(line),
  });
  const pool = h.watch(poolOf(target, { max: 1 }));
  const db = knexOf(target);
  h.watchPool(db, { name: "reports" });
  const pools = h.pools().map(({ name }) => name);
  expect(pools).toEqual([target.name, target.name, "reports"]);
  const leaked = [await h.pool.connect(), await pool.connect()];
  await expect.poll(() => said.filter((line) => /not given back/.test(line)).length).toBe(2);
  expect(said.join("\n")).toContain("trace.test.ts");
  await expect.poll(() => said.some((line) => /^pool reports: 0 of 2/.test(line))).toBe(true);
  for (const client of leaked) client.release();
  await h.close();
  const lines = said.length;
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(said.length).toBe(lines);
  expect(Object.hasOwn(pool, "connect")).toBe(false);
  await pool.end();
  await db.destroy();
});

test("poolWatch: false watches nothing", async () => {
  const h = await hasten({
    postgres: target.url,
    coherence: { mode: "ttl" },
    poolWatch: false,
    say: () => undefined,
  });
  expect(h.db.poolWatch).toBeUndefined();
  expect(h.pools()).toEqual([]);
  await h.close();
});
