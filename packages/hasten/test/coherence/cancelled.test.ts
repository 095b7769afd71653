/** A cancel request goes over a socket of its own: nothing is read there. */
import { createCache } from "hasten/cache";
import { createDatabase, openCoherence, sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, it } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";

it("what is cancelled in one request makes no other answer untracked", async () => {
  await using fresh = await freshDatabase();
  await using cache = createCache({ tracked: true });
  await using coherence = await openCoherence({
    ...{ url: fresh.url, mode: "own-writes", caches: [cache] },
  });
  const db = createDatabase({ url: fresh.url, pool: { max: 4 } });
  coherence.watch(db.pool);
  await db.execute(sql`create table item (id int primary key)`);
  const reading = (): Promise<unknown> => db.query(sql`select id from item where id = ${1}`);
  const late = (): Promise<unknown> => db.query(sql`select pg_sleep(5)`, { timeoutMs: 50 });
  await inTrace(new Trace(), reading);
  const cancelled = new Trace();
  await expect(inTrace(cancelled, late)).rejects.toThrow("HST_PG_TIMEOUT");
  expect(cancelled.dependency().untracked.join()).not.toContain("no watched database");
  // Its address is nobody's source of data either: another is cancelled while this one reads.
  const open = new Trace();
  await inTrace(open, reading);
  await expect(inTrace(new Trace(), late)).rejects.toThrow("HST_PG_TIMEOUT");
  await inTrace(open, reading);
  expect(open.dependency().untracked).toEqual([]);
  await db.drain();
});
