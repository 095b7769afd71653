/** Cached rows from a real replica, watched: nothing is kept that a later change would not drop. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createCache } from "../../src/cache/index.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { type Coherence, type Database, openCoherence, sql } from "../../src/postgres/index.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { asked, type World, world } from "./world.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const cache = createCache({ tracked: true });
let on: World;
let db: Database;
let coherence: Coherence;
const SCHEMA = [
  "create table item (id int primary key, n int)",
  "insert into item select i, 0 from generate_series(1, 50) i",
  "create table other (id int primary key, n int)",
  "insert into other values (1, 500)",
  "create view shown as select id, n from item",
];

beforeAll(async () => {
  on = await world({ schema: SCHEMA });
  coherence = await openCoherence({ url: on.primary.url, caches: [cache], autoSetup: true });
  db = on.open({ cache, replicaReads: { maxLagMs: 600_000 } });
  for (const pool of [db.pool, ...db.replicaPools]) coherence.watch(pool);
  await vi.waitFor(
    () => expect(coherence.status()).toMatchObject({ state: "live", promise: "stream" }),
    20_000,
  );
  await on.caughtUp();
  await db.probeReplicas();
});
afterAll(async () => {
  await coherence?.close();
  await on?.[Symbol.asyncDispose]();
  await cache.close();
});

const TTL = { cache: { ttlMs: 600_000 } };
const request = <T>(work: () => Promise<T>): Promise<T> => inTrace(new Trace(), work);
const statement = (id: number) => sql`select n from item where id = ${id}`;
const cached = (id: number) => request(() => db.queryOne<{ n: number }>(statement(id), TTL));
const replicaReads = (): number => db.stats().replicas!.replicas[0]!.reads;
const hits = (): number => db.stats().cacheHits;

/** Reads until a read is answered by the cache: it was kept. */
async function kept(id: number): Promise<void> {
  await vi.waitFor(async () => {
    const before = hits();
    await cached(id);
    expect(hits()).toBe(before + 1);
  }, 20_000);
}

it("a replica that has caught up fills the cache, and the change of a row drops what it filled", async () => {
  const before = replicaReads();
  await kept(1);
  expect(replicaReads()).toBeGreaterThan(before);
  await on.caughtUp();
  await asked(on.primary.url, "update item set n = 1 where id = 1");
  await vi.waitFor(async () => expect(await cached(1)).toEqual({ n: 1 }), 5_000);
});

it("while replay is paused nothing of the past is kept", async () => {
  await kept(2);
  const { server } = on.replicas[0]!;
  await server.pause();
  try {
    await asked(on.primary.url, "update item set n = 2 where id between 2 and 20");
    // Until the change is heard of, what was kept may be answered: for the bound at most.
    await vi.waitFor(async () => {
      const before = hits();
      await cached(2);
      expect(hits()).toBe(before);
    }, 10_000);
    // The past is answered, within the lag that was allowed, and not once out of the cache.
    const before = hits();
    for (let round = 0; round < 5; round++)
      for (let id = 3; id <= 20; id++) expect(await cached(id)).toEqual({ n: 0 });
    expect(hits()).toBe(before);
  } finally {
    await server.resume();
  }
  await on.caughtUp();
  for (let id = 2; id <= 20; id++) expect(await cached(id)).toEqual({ n: 2 });
});

it("a replica behind a changed meaning fills nothing under the new one", async () => {
  const view = sql`select n from shown where id = 1`;
  const shown = () => request(() => db.queryOne<{ n: number }>(view, TTL));
  await vi.waitFor(async () => {
    const before = hits();
    await shown();
    expect(hits()).toBe(before + 1);
  }, 20_000);
  const { server } = on.replicas[0]!;
  await on.caughtUp();
  await server.pause();
  try {
    await asked(on.primary.url, "create or replace view shown as select id, n from other");
    const before = hits();
    const untilMs = performance.now() + 3_000;
    let old = 0;
    while (performance.now() < untilMs) if ((await shown())!.n !== 500) old += 1;
    expect(old).toBeGreaterThan(0);
    // What was kept before the change may be answered until it is noticed, for the bound at most.
    const stale = hits();
    for (let at = 0; at < 20; at++) await shown();
    expect(hits()).toBe(stale);
    expect(before).toBeLessThanOrEqual(stale);
  } finally {
    await server.resume();
  }
  await on.caughtUp();
  expect(await shown()).toEqual({ n: 500 });
});

it("a text met for the first time while the replica is behind what it means fills nothing either", async () => {
  const { server } = on.replicas[0]!;
  await asked(on.primary.url, "create view fresh as select id, n from item");
  await on.caughtUp();
  await server.pause();
  const view = sql`select n from fresh where id = 1`;
  const shown = () => request(() => db.queryOne<{ n: number }>(view, TTL));
  try {
    await asked(on.primary.url, "create or replace view fresh as select id, n from other");
    const before = hits();
    const untilMs = performance.now() + 1_500;
    while (performance.now() < untilMs) expect((await shown())!.n).not.toBe(500);
    expect(hits()).toBe(before);
  } finally {
    await server.resume();
  }
  await on.caughtUp();
  expect(await shown()).toEqual({ n: 500 });
});

it("what hasten asks a replica for itself is in no answer", async () => {
  const other = on.open({ pool: { min: 0, max: 1 } });
  for (const pool of [other.pool, ...other.replicaPools]) coherence.watch(pool);
  await on.caughtUp();
  await other.probeReplicas();
  // The connection is made, and asked who it is, while this is read.
  const trace = new Trace();
  await inTrace(trace, () => other.query(statement(40)));
  expect(other.stats().replicas).toMatchObject({ replicas: [{ reads: 1 }] });
  for (const cause of trace.dependency().untracked) expect(cause).toBe(CAUSES.replica);
});

it("without anybody watching the replica's pool, what is kept for others is read from the primary", async () => {
  const plain = createCache({});
  const alone = on.open({ cache: plain });
  await alone.probeReplicas();
  await request(() => alone.queryOne(statement(30), TTL));
  expect(alone.stats().replicas).toMatchObject({
    replicas: [{ reads: 0 }],
    primary: { notReadable: 1 },
  });
  await request(() => alone.queryOne(statement(31), { ...TTL, read: "replica" }));
  expect(alone.stats().replicas).toMatchObject({ replicas: [{ reads: 1 }] });
  await plain.close();
});
