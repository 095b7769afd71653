import { setTimeout as delay } from "node:timers/promises";
import { startRedis } from "hasten-tools/redis";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { Oracle } from "../../chaos/oracle.ts";
import { exec } from "../../coherence/shop.ts";
import { createFleet, type Fleet } from "./fleet.ts";

const BOUND_MS = 500;
const ROWS = 50;

/** Of the reads that were sent in this time. */
function hitRatio(fleet: Fleet, fromMs: number, toMs: number): number {
  const { reads } = fleet;
  const some = reads.filter(({ startedAtMs: at }) => at >= fromMs && at < toMs);
  return some.filter(({ hit }) => hit).length / some.length;
}

test("a rolling restart of three processes keeps the hit ratio within 5 points, and nothing is stale", async () => {
  const [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
  await exec(
    db.url,
    "create table items (id int primary key, version int not null)",
    `insert into items select g, 0 from generate_series(1, ${ROWS}) g`,
    "create publication hasten for table items",
  );
  const asker = new pg.Client({ connectionString: db.url });
  await asker.connect();
  const slots = async (): Promise<number> =>
    (await asker.query("select 1 from pg_replication_slots where database = current_database()"))
      .rows.length;
  try {
    await using fleet = createFleet({
      url: db.url,
      redisUrl: redis.url,
      boundMs: BOUND_MS,
      rows: ROWS,
      readEveryMs: 3,
      writeEveryMs: 300,
    });
    const { nowMs } = await import("../../chaos/clock.ts");
    for (let at = 0; at < 3; at++) await fleet.start();
    await delay(2_000);
    expect(await slots()).toBe(1);
    const steadyMs = nowMs();
    await delay(4_000);
    const rollingMs = nowMs();
    for (const member of [...fleet.members]) {
      await member.close();
      await fleet.start();
      await delay(500);
    }
    const overMs = nowMs();
    await delay(500);
    expect(await slots()).toBe(1);
    const steady = hitRatio(fleet, steadyMs, rollingMs);
    const rolling = hitRatio(fleet, rollingMs, overMs);
    process.stdout.write(
      `hit ratio: ${(100 * steady).toFixed(1)} % before, ${(100 * rolling).toFixed(1)} % during a rolling restart\n`,
    );
    const oracle = new Oracle(BOUND_MS, fleet.writes);
    expect(fleet.reads.map((read) => oracle.judge(read)).filter(Boolean)).toEqual([]);
    expect(steady).toBeGreaterThan(0.8);
    expect(rolling).toBeGreaterThan(steady - 0.05);
  } finally {
    await asker.end();
    await db.drop();
    await redis.stop();
  }
}, 60_000);
