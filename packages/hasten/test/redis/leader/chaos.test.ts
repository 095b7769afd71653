import { setTimeout as delay } from "node:timers/promises";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { nowMs } from "../../chaos/clock.ts";
import { Oracle, type Write } from "../../chaos/oracle.ts";
import { exec } from "../../coherence/shop.ts";
import { createFleet, type Fleet } from "./fleet.ts";

const BOUND_MS = 500;
const ROWS = 20;

interface Scene {
  readonly fleet: Fleet;
  readonly redis: RedisServer;
  readonly asker: pg.Client;
}

/** The process that holds the slot: its name tells the process. */
async function leaderOf({ fleet, asker }: Scene): Promise<Fleet["members"][number]> {
  const endMs = nowMs() + 15_000;
  for (;;) {
    const { rows } = await asker.query(
      "select slot_name from pg_replication_slots where database = current_database() and active",
    );
    const pids = rows.map(({ slot_name: name }) => Number(name.split("_")[1]));
    const found = fleet.members.find(({ pid }) => pids.includes(pid));
    if (found !== undefined) return found;
    if (nowMs() > endMs) throw new Error("nobody leads");
    await delay(50);
  }
}

/** Until every process says that it is live. */
async function settled({ fleet }: Scene): Promise<void> {
  const endMs = nowMs() + 15_000;
  await delay(300);
  while (fleet.members.some(({ state }) => state !== "live")) {
    if (nowMs() > endMs) throw new Error(fleet.members.map(({ state }) => state).join(", "));
    await delay(50);
  }
}

const FAULTS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async "the leader is killed"(scene) {
    await (await leaderOf(scene)).kill();
    await scene.fleet.start();
  },
  async "the leader is stopped for 3 s"(scene) {
    const leader = await leaderOf(scene);
    leader.signal("SIGSTOP");
    await delay(3_000);
    leader.signal("SIGCONT");
  },
  async "a follower is stopped for 1 s"(scene) {
    const leader = await leaderOf(scene);
    const other = scene.fleet.members.find((member) => member !== leader)!;
    other.signal("SIGSTOP");
    await delay(1_000);
    other.signal("SIGCONT");
  },
  async "its walsender is terminated"({ asker }) {
    await asker.query(
      "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()",
    );
  },
  async "every connection to the database is terminated"({ asker }) {
    await asker.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'hasten%'",
    );
  },
  async "Redis is flushed"({ redis }) {
    await redis.command("FLUSHALL");
  },
  async "the leader's record is deleted"({ redis }) {
    const keys = (await redis.command("KEYS", "*src")) as readonly (string | Buffer)[];
    for (const key of keys) await redis.command("DEL", String(key));
  },
  async "Redis is restarted"({ redis }) {
    await redis.kill();
    await delay(700);
    await redis.restart();
  },
  async "Redis is stopped for 1.5 s"({ redis }) {
    redis.pause();
    await delay(1_500);
    redis.resume();
  },
  async "the leader closes and another starts"(scene) {
    await (await leaderOf(scene)).close();
    await scene.fleet.start();
  },
};

test("whatever happens to the leader, the database or Redis: no read of any process is stale", async () => {
  const [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
  await exec(
    db.url,
    "create table items (id int primary key, version int not null)",
    `insert into items select g, 0 from generate_series(1, ${ROWS}) g`,
    "create publication hasten for table items",
  );
  const [asker, writer] = [db.url, db.url].map(
    (connectionString) => new pg.Client({ connectionString }),
  );
  await Promise.all([asker!.connect(), writer!.connect()]);
  const foreign: Write[] = [];
  let writing = true;
  const write = async (): Promise<void> => {
    while (writing) {
      const id = 1 + Math.floor(Math.random() * ROWS);
      const startedAtMs = nowMs();
      const { rows } = await writer!.query(
        "update items set version = version + 1 where id = $1 returning version",
        [id],
      );
      const changes = [{ row: String(id), version: Number(rows[0].version), state: "" }];
      foreign.push({
        process: "psql",
        startedAtMs,
        resolvedAtMs: nowMs(),
        asynchronous: false,
        changes,
      });
      await delay(25);
    }
  };
  try {
    await using fleet = createFleet({
      url: db.url,
      redisUrl: redis.url,
      boundMs: BOUND_MS,
      rows: ROWS,
      readEveryMs: 2,
      writeEveryMs: 60,
    });
    for (let at = 0; at < 3; at++) await fleet.start();
    const scene = { fleet, redis, asker: asker! };
    await settled(scene);
    const writes = write();
    for (const [name, fault] of Object.entries(FAULTS)) {
      const beganMs = nowMs();
      await fault(scene);
      await settled(scene).catch((error: Error) => {
        throw new Error(`after "${name}": ${error.message}`);
      });
      const reads = fleet.reads.filter(({ startedAtMs }) => startedAtMs >= beganMs);
      const hits = reads.filter(({ hit }) => hit).length;
      process.stdout.write(
        `${name}: live again after ${Math.round(nowMs() - beganMs)} ms, ${reads.length} reads, ${Math.round((100 * hits) / reads.length)} % hits\n`,
      );
    }
    await delay(500);
    writing = false;
    await writes;
    await delay(200);
    const oracle = new Oracle(BOUND_MS, [...fleet.writes, ...foreign]);
    const stale = fleet.reads.map((read) => oracle.judge(read)).filter((it) => it !== undefined);
    process.stdout.write(`${fleet.reads.length} reads, ${stale.length} stale\n`);
    expect(stale.slice(0, 5)).toEqual([]);
    expect(fleet.reads.length).toBeGreaterThan(5_000);
    const { rows } = await asker!.query(
      "select 1 from pg_replication_slots where database = current_database()",
    );
    expect(rows).toHaveLength(1);
  } finally {
    writing = false;
    await delay(50);
    await Promise.all([asker!.end(), writer!.end()]);
    await db.drop();
    await redis.stop();
  }
}, 180_000);
