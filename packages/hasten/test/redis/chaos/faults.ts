/** What goes wrong during a run. Each resolves when it is over, and leaves nothing broken. */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisServer } from "hasten-tools/redis";
import type { Random } from "../../chaos/random.ts";
import type { Fleet, Slot } from "./fleet.ts";
import type { ChaosRedis } from "./servers.ts";

export interface Surroundings {
  readonly redis: ChaosRedis;
  readonly fleet: Fleet;
  readonly random: Random;
  readonly boundMs: number;
}

type FaultRun = (surroundings: Surroundings) => Promise<void>;

/** Everything of a namespace begins like this. */
const SPACE = "hasten:1:{chaos}:";
const SCAN_COUNT = 1_000;
const SMALL_MEMORY_KIB = 96;
const ELECTION_LIMIT_MS = 15_000;
const REPLICA_LIMIT_MS = 20_000;
const POLL_MS = 50;

const onMaster =
  (what: (server: RedisServer, surroundings: Surroundings) => Promise<unknown>): FaultRun =>
  async (surroundings) => {
    await what(await surroundings.redis.master(), surroundings);
  };

const deleting = (...names: string[]): FaultRun =>
  onMaster((server) => server.command("DEL", ...names.map((name) => `${SPACE}${name}`)));

/** Some of the keys of a kind, as an eviction would take them. */
const evicting = (pattern: string, share: number): FaultRun =>
  onMaster(async (server, { random }) => {
    const reply = await server.command(
      ...["SCAN", "0", "MATCH", `${SPACE}${pattern}`, "COUNT", String(SCAN_COUNT)],
    );
    const keys = (reply as unknown[])[1] as unknown[];
    const taken = keys.map(String).filter(() => random.next() < share);
    if (taken.length > 0) await server.command("DEL", ...taken);
  });

async function small(server: RedisServer): Promise<void> {
  const info = String(await server.command("INFO", "memory"));
  const used = Number(/used_memory:(\d+)/.exec(info)?.[1]);
  await server.command("CONFIG", "SET", "maxmemory", String(used + SMALL_MEMORY_KIB * 1_024));
  for (let round = 0; round < 20; round++) {
    for (let at = 0; at < 20; at++)
      await server.command("SET", `filler:${round}:${at}`, "x".repeat(4_096), "PX", "2000");
    await delay(50);
  }
  await server.command("CONFIG", "SET", "maxmemory", "0");
}

/** Blocked ones only: who waits for the log. */
async function killWakes(server: RedisServer): Promise<void> {
  const list = String(await server.command("CLIENT", "LIST"));
  for (const line of list.split("\n")) {
    if (!/ cmd=xread/i.test(line)) continue;
    const id = /^id=(\d+)/.exec(line)?.[1];
    if (id !== undefined) await server.command("CLIENT", "KILL", "ID", id);
  }
}

async function stopped(slot: Slot | undefined, ms: number): Promise<void> {
  if (slot === undefined) return;
  slot.stop();
  await delay(ms);
  slot.go();
}

const someone = ({ fleet, random }: Surroundings): Slot | undefined =>
  random.pick(fleet.slots.filter((slot) => slot.state === "up"));

/** Until Sentinels name another master, and the one of before follows it. */
async function elected(redis: ChaosRedis, before: number): Promise<void> {
  const port = redis.sentinels?.masterPort;
  await until(ELECTION_LIMIT_MS, async () => (await port?.()) !== before);
}

/** There is somebody to fail over to. */
async function followed(redis: ChaosRedis): Promise<void> {
  const server = await redis.master();
  await until(REPLICA_LIMIT_MS, async () =>
    /slave0:.*state=online/.test(String(await server.command("INFO", "replication"))),
  );
}

async function until(limitMs: number, isSo: () => Promise<boolean>): Promise<void> {
  for (let leftMs = limitMs; leftMs > 0; leftMs -= POLL_MS) {
    if (await isSo().catch(() => false)) return;
    await delay(POLL_MS);
  }
}

export const FAULTS = {
  "entries deleted": evicting("e:*", 0.5),
  "records of tags and prefixes deleted": evicting("[tp]:*", 0.5),
  "marks deleted": deleting("m0", "m1"),
  "clock deleted": deleting("clk"),
  "log deleted": deleting("log"),
  "log trimmed": onMaster((server) => server.command("XTRIM", `${SPACE}log`, "MAXLEN", "0")),
  "leases deleted": evicting("l:*", 1),
  FLUSHALL: onMaster((server) => server.command("FLUSHALL")),
  "scripts forgotten": onMaster((server) => server.command("SCRIPT", "FLUSH")),
  "all connections killed": onMaster((server) =>
    server.command("CLIENT", "KILL", "TYPE", "normal"),
  ),
  "blocked connections killed": onMaster(killWakes),
  "memory full, keys evicted": onMaster(small),
  "Redis stopped for one to three seconds": onMaster(async (server, { random }) => {
    server.pause();
    await delay(1_000 + 2_000 * random.next());
    server.resume();
  }),
  "Redis stopped for a moment": onMaster(async (server, { random }) => {
    server.pause();
    await delay(50 + 250 * random.next());
    server.resume();
  }),
  "Redis killed and started again": onMaster((server) => server.restart()),
  "process stopped for longer than the bound": (surroundings) =>
    stopped(someone(surroundings), surroundings.boundMs * 1.6),
  "process stopped, the log deleted meanwhile": async (surroundings) => {
    const slot = someone(surroundings);
    slot?.stop();
    await delay(surroundings.boundMs * 0.6);
    const server = await surroundings.redis.master();
    await server.command("DEL", `${SPACE}log`);
    slot?.go();
  },
  "process killed and started again": async (surroundings) => {
    const slot = someone(surroundings);
    await slot?.kill();
    await slot?.start();
  },
  "master killed, its replica elected": async ({ redis }) => {
    await followed(redis);
    const master = await redis.master();
    await master.kill();
    await elected(redis, master.port);
    await master.restart();
    await followed(redis);
  },
  "master stopped until its replica was elected": async ({ redis, boundMs }) => {
    await followed(redis);
    const master = await redis.master();
    master.pause();
    await elected(redis, master.port);
    await delay(2 * boundMs);
    master.resume();
    await followed(redis);
  },
} as const satisfies Record<string, FaultRun>;

export type Fault = keyof typeof FAULTS;

/** Those that need a second server. */
export const ELECTIONS: readonly Fault[] = [
  "master killed, its replica elected",
  "master stopped until its replica was elected",
];

export const ALONE: readonly Fault[] = (Object.keys(FAULTS) as Fault[]).filter(
  (fault) => !ELECTIONS.includes(fault),
);
