import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { hasten } from "hasten/express";
import { sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";

const CHANNEL = "hasten:postgres:query";

test("each statement is told of once, whoever sends it through the pool, and without values", async () => {
  await using database = await freshDatabase();
  await using h = await hasten({ postgres: database.url, say: () => undefined });
  const heard: string[] = [];
  const listen = (event: unknown): void => {
    heard.push((event as { statement: string }).statement);
  };
  const during = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
    heard.length = 0;
    await work();
    return heard.filter((statement) => statement.includes("as mine"));
  };
  subscribe(CHANNEL, listen);
  try {
    const one = ["select ? as mine"];
    for (let round = 1; round <= 2; round++) {
      expect(await during(() => h.pool.query("select 'hidden' as mine"))).toEqual(one);
      expect(await during(() => h.db.query(sql`select ${"hidden"}::text as mine`))).toHaveLength(1);
      const taken = await during(async () => {
        const client = await h.pool.connect();
        await client.query("select 'hidden' as mine");
        client.release();
      });
      expect(taken).toEqual(one);
    }
    expect(heard.join()).not.toContain("hidden");
  } finally {
    unsubscribe(CHANNEL, listen);
  }
});
