import { fileURLToPath } from "node:url";
import { createDatabase, sql } from "hasten/postgres";
import { freshProcess } from "hasten-tools/bench";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";

const CHILD = fileURLToPath(new URL("memory-child.ts", import.meta.url));

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
  await using db = createDatabase({ url: target.url, statementTimeoutMs: 120_000 });
  await db.execute(sql`
    create table many as select n::int8 as id, 'name ' || n as name from generate_series(1, 2000000) as n`);
  await db.execute(sql`alter table many add primary key (id)`);
}, 120_000);
afterAll(async () => {
  await target?.drop();
});

test.each(["stream", "streamTable", "copyOut"])(
  "2,000,000 rows by %s in a heap of 64 MB: memory grows by less than 50 MB",
  async (way) => {
    const told = await freshProcess<{ count: number; growthMib: number }>(CHILD, {
      args: [target.url, way],
      // Held, because V8 doubles its young generation in any program that makes objects.
      nodeFlags: ["--max-old-space-size=64", "--max-semi-space-size=8"],
      timeoutMs: 180_000,
    });
    expect(told.count).toBe(2_000_000);
    expect(told.growthMib).toBeLessThan(50);
  },
  200_000,
);
