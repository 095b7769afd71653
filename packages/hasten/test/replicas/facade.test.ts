/** `hasten()` with replicas: their pools are watched, and what they show is kept or not by coherence. */
import { expect, it, vi } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { openParts } from "../../src/facade/index.ts";
import { sql } from "../../src/postgres/index.ts";
import { asked, world } from "./world.ts";

it("replicas of hasten() are watched: rows are kept from them, and dropped by changes", {
  timeout: 90_000,
}, async () => {
  await using on = await world({
    schema: ["create table item (id int primary key, n int)", "insert into item values (1, 0)"],
  });
  const parts = await openParts({
    postgres: {
      url: on.primary.url,
      replicas: on.replicaUrls,
      replicaReads: { probeEveryMs: 100 },
      healthEveryMs: 0,
    },
    coherence: { autoSetup: true },
    say: () => undefined,
  });
  try {
    const { db } = parts;
    const replica = () => parts.status().database.replicas!.replicas[0]!;
    await vi.waitFor(() => expect(replica().state).toBe("ready"), 20_000);
    const row = sql`select n from item where id = 1`;
    let key = "";
    const cached = () =>
      inTrace(new Trace(), () => db.query<{ n: number }>(row, { cache: { ttlMs: 600_000, key } }));
    await vi.waitFor(async () => {
      key += "k";
      const [reads, hits] = [replica().reads, db.stats().cacheHits];
      await cached();
      expect(replica().reads).toBe(reads + 1);
      await cached();
      expect(db.stats().cacheHits).toBe(hits + 1);
    }, 30_000);
    await asked(on.primary.url, "update item set n = 1 where id = 1");
    await vi.waitFor(async () => expect(await cached()).toEqual([{ n: 1 }]), 10_000);
  } finally {
    await parts.close();
  }
});
