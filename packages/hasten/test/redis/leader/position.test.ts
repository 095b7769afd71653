/** What a replica must have replayed is known before anything is dropped for it. */
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { expect, test } from "vitest";
import { laterPosition } from "../../../src/postgres/leader/position.ts";
import { eventually } from "../../coherence/shop.ts";
import { type Shop, world } from "./world.ts";

test("whoever drops a change knows its place in the WAL by then, also while the place is handed over", async () => {
  await using it = await world();
  const shops = [await it.open(), await it.open()];
  const live = ({ coherence }: Shop): boolean => coherence.status().state === "live";
  await eventually(() => shops.every(live));
  const writer = new pg.Client({ connectionString: it.url });
  await writer.connect();
  /** By row, before the commit: its own place is later. */
  const written = new Map<string, string>();
  const wrong: string[] = [];
  let heard = 0;
  for (const { tier, coherence } of shops) {
    tier.log.subscribe(({ tags }) => {
      const row = tags.map((tag) => /items:id=(\d+)$/.exec(tag)?.[1]).find(Boolean);
      if (row === undefined) return;
      const before = written.get(row) ?? "0/0";
      // Reads are judged in later turns, by when what came with it was taken in.
      setImmediate(() => {
        heard += 1;
        const { position } = coherence.status();
        const unknown = position === "0/0" || !coherence.status().state.includes("live");
        if (!unknown && laterPosition(position, before) !== position)
          wrong.push(`${position} < ${before}`);
      });
    });
  }
  try {
    for (let round = 0; round < 60; round++) {
      if (round === 20) void shops[0]!.coherence.handOver();
      if (round === 40) void shops[1]!.coherence.handOver();
      await writer.query("begin");
      await writer.query("update items set version = version + 1 where id = $1", [
        1 + (round % 20),
      ]);
      const { rows } = await writer.query("select pg_current_wal_insert_lsn()::text as lsn");
      written.set(`${1 + (round % 20)}`, String(rows[0].lsn));
      await writer.query("commit");
      await delay(30);
    }
    await delay(500);
    expect(wrong).toEqual([]);
    // Who leads hears of nothing that it has told itself.
    expect(heard).toBeGreaterThan(20);
    // It is known, not only never wrong.
    await eventually(() => shops.every(live));
    for (const { coherence } of shops) expect(coherence.status().position).not.toBe("0/0");
  } finally {
    await writer.end();
  }
});
