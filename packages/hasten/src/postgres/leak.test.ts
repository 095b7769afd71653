/** Nothing is left behind: no socket, timer, listener or session. */
import { getEventListeners } from "node:events";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { channels } from "../core/channels.ts";
import { faultyProxy } from "../testing/index.ts";
import { createDatabase, type Database, type PoolEvent, sql } from "./index.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(async () => {
  await target?.drop();
});

const resources = (): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo())
    if (name === "TCPSocketWrap" || name === "Timeout") counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** Everything that can go right or wrong, once. */
async function exercise(db: Database): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  await Promise.allSettled([
    ...Array.from({ length: 20 }, (_, n) => db.query(sql`select ${n}::int`, { signal })),
    db.query(sql`select pg_sleep(5)`, { timeoutMs: 30 }),
    db.query(sql`select 1/0`, { signal }),
    db.query({ text: "select 1; select 2" }),
    db.transaction((tx) => tx.query(sql`select pg_sleep(5)`), { timeoutMs: 30, signal }),
    db.transaction((tx) => tx.query(sql`select 1`), {
      signal,
      isolation: "wrong" as "serializable",
    }),
    db.executeMany([1, 2, 0], (n) => sql`select 1 / ${n}::int`, { signal }),
    db.executeMany([1], () => sql`select ${undefined}`),
    db.indexes.ensure({ table: "no_such_table", columns: ["a"] }),
    db.health(),
  ]);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  stop.abort();
}

test("after success, failure, time-out and abort every connection is back, and drain leaves nothing", async () => {
  const before = resources();
  const db = createDatabase({ url: target.url, pool: { min: 2, max: 5 } });
  const clients: object[] = [];
  db.pool.on("connect", (client) => clients.push(client));
  for (let round = 0; round < 5; round++) await exercise(db);
  await expect.poll(() => db.stats().pool).toMatchObject({ active: 0, waiting: 0 });
  for (const client of clients)
    for (const event of ["error", "end", "drain", "notice"])
      expect(getEventListeners(client as EventTarget, event).length).toBeLessThanOrEqual(2);
  await db.drain();
  await expect.poll(resources).toEqual(before);
});

test("the network failing at random for a while leaks no connection", async () => {
  const before = resources();
  const proxy = await faultyProxy({ port: Number(new URL(target.url).port) });
  const url = new URL(target.url);
  url.port = String(proxy.port);
  const db = createDatabase({
    url: url.href,
    pool: { min: 2, max: 5, acquireTimeoutMs: 300 },
    retry: { delayMs: 1, delayMaxMs: 10, breakerOpenMs: 20 },
    cancelTimeoutMs: 50,
  });
  const events: PoolEvent["kind"][] = [];
  const listen = (event: unknown): void => void events.push((event as PoolEvent).kind);
  channels.poolEvent.subscribe(listen);
  for (let round = 0; round < 10; round++) {
    const work = exercise(db);
    if (round % 3 === 0) proxy.mode("refuse");
    proxy.cutAll();
    await new Promise((resolve) => setTimeout(resolve, 10));
    proxy.mode("pass");
    await work;
  }
  expect(new Set(events)).toContain("retry");
  await expect
    .poll(() => db.stats().pool, { timeout: 5_000 })
    .toMatchObject({ active: 0, waiting: 0 });
  await expect.poll(() => db.query(sql`select 1 as n`).catch(() => "down")).toEqual([{ n: 1 }]);
  await db.drain();
  await proxy.close();
  await expect.poll(resources).toEqual(before);
}, 60_000);
