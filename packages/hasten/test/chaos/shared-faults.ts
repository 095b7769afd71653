/**
 * What goes wrong where processes share a Redis and one leader. As `faults.ts`: each ends with
 * everything running again.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisServer } from "hasten-tools/redis";
import { nowMs } from "./clock.ts";
import { FAULTS, type Inject, type Surroundings } from "./faults.ts";
import type { Slot } from "./fleet.ts";
import { accountOf } from "./schema.ts";

/** How long a leader keeps its place without a word: its lease, and some more. */
const LEASE_OVER_MS = 2_600;
const REDIS_STOPPED_MS = 2_000;
const PREPARED_ROWS = 3;

function redisOf({ redis }: Surroundings): RedisServer {
  if (redis === undefined) throw new Error("this fault needs a run with Redis");
  return redis;
}

/** Some of the keys, whatever they are called in front. */
async function deleted(all: Surroundings, endings: readonly string[], share = 1): Promise<void> {
  const redis = redisOf(all);
  for (const ending of endings) {
    const keys = (await redis.command("KEYS", `*}:${ending}`)) as readonly unknown[];
    const names = keys.map(String).filter(() => share === 1 || all.random.next() < share);
    if (names.length > 0) await redis.command("DEL", ...names);
  }
}

/** The process that reads the changes now: the name of its slot begins with its id. */
async function leaderOf({ server, slots, random }: Surroundings): Promise<Slot> {
  const rows = await server.administer(
    "select slot_name from pg_replication_slots where active and database = current_database()",
  );
  const pids = rows.map((row) => Number(String(row["slot_name"]).split("_")[1]));
  return slots.find((slot) => pids.includes(slot.pid)) ?? random.pick(slots);
}

/** Stopped for so long; asked right before it goes on, when its copies may be old. */
async function stoppedFor(all: Surroundings, slot: Slot, ms: number): Promise<void> {
  slot.stop();
  await delay(ms);
  all.probe(slot);
  await delay(5);
  slot.go();
}

export const SHARED_FAULTS = {
  "Redis restarted, empty": async (all) => {
    await redisOf(all).restart();
  },
  "Redis stopped for 2 s": async (all) => {
    redisOf(all).pause();
    await delay(REDIS_STOPPED_MS);
    for (const slot of all.slots) all.probe(slot);
    redisOf(all).resume();
  },
  FLUSHALL: async (all) => {
    await redisOf(all).command("FLUSHALL");
  },
  "connections to Redis killed": async (all) => {
    await redisOf(all).command("CLIENT", "KILL", "TYPE", "normal");
  },
  "the leader's record deleted": (all) => deleted(all, ["src"]),
  "clock deleted": (all) => deleted(all, ["clk"]),
  "log deleted": (all) => deleted(all, ["log"]),
  "marks deleted": (all) => deleted(all, ["m0", "m1"]),
  "half of everything evicted": (all) => deleted(all, ["*"], 0.5),
  "leader killed": async (all) => {
    const leader = await leaderOf(all);
    await leader.kill();
    await delay(LEASE_OVER_MS * all.random.next());
    await leader.start();
  },
  "leader stopped past its lease": async (all) =>
    stoppedFor(all, await leaderOf(all), LEASE_OVER_MS + 1_500 * all.random.next()),
  "leader stopped for less than its lease": async (all) =>
    stoppedFor(all, await leaderOf(all), 2 * all.boundMs + 500 * all.random.next()),
  "leader ended in order": async (all) => {
    const leader = await leaderOf(all);
    await leader.end();
    await leader.start();
  },
  "leader and Redis lost at once": async (all) => {
    const leader = await leaderOf(all);
    await Promise.all([leader.kill(), redisOf(all).restart()]);
    await leader.start();
  },
  "big transaction while the leader hands over": async (all) => {
    const leader = await leaderOf(all);
    const big = FAULTS["big transaction committed"](all);
    await delay(100 * all.random.next());
    await Promise.all([big, all.handOver(leader)]);
  },
  "prepared transaction committed past a hand-over": async (all) => {
    const { server, wrote, random } = all;
    const name = `chaos_${Math.floor(1e9 * random.next())}`;
    const which = `where id <= ${PREPARED_ROWS}`;
    const startedAtMs = nowMs();
    await server.administer(
      `begin; update accounts set version = version + 1 ${which}; prepare transaction '${name}'`,
    );
    // Locked until then: they are what they were.
    const before = await server.administer(`select id, version, team from accounts ${which}`);
    await all.handOver(await leaderOf(all));
    await server.administer(`commit prepared '${name}'`);
    wrote({
      ...{ process: "administrator", startedAtMs, resolvedAtMs: nowMs(), asynchronous: false },
      changes: before.map(({ id, version, team }) => ({
        row: accountOf(Number(id)),
        version: Number(version) + 1,
        state: String(team),
      })),
    });
  },
  "schema changed": async ({ server }) => {
    await server.administer("create table passing (id int primary key)");
    await delay(100);
    await server.administer("drop table passing");
  },
} as const satisfies Record<string, Inject>;

export type SharedFault = keyof typeof SHARED_FAULTS;
export const SHARED_FAULT_NAMES: readonly SharedFault[] = Object.keys(
  SHARED_FAULTS,
) as SharedFault[];
