/**
 * Random readers and writers on four tiers while things vanish from Redis: no read begun after an
 * acknowledged invalidation finds what was there before; after one that was queued, its own process
 * does not find it either.
 */
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Heard, opened } from "./tiers.ts";
import { deleted, value } from "./values.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

const RUN_MS = 3_000;
const KEYS = Array.from({ length: 6 }, (_, index) => `p${index % 2}:k${index}`);

/** Small, fast, and the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface World {
  readonly source: Map<string, number>;
  /** What everybody must see at least, and what each tier must see at least. */
  readonly known: Map<string, number>;
  readonly own: readonly Map<string, number>[];
  readonly counts: { reads: number; hits: number; queued: number };
  readonly stale: string[];
}

const least = (map: Map<string, number>, key: string): number => map.get(key) ?? 0;
const raise = (map: Map<string, number>, key: string, version: number): void =>
  void map.set(key, Math.max(least(map, key), version));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const tagOf = (key: string): string => `t${key.at(-1)}`;

async function write(world: World, index: number, { tier }: Heard, draw: (n: number) => number) {
  const key = KEYS[draw(KEYS.length)]!;
  const same = KEYS.filter((one) => one.startsWith(key.slice(0, 3)));
  const how = draw(4);
  const changed = how === 2 ? same : how === 3 && draw(5) === 0 ? KEYS : [key];
  for (const one of changed) world.source.set(one, least(world.source, one) + 1);
  const versions = changed.map((one) => [one, least(world.source, one)] as const);
  const named = [{ keys: changed }, { tags: changed.map(tagOf) }, { prefixes: [key.slice(0, 3)] }];
  const all = { how: "cleared" } as const;
  const outcome = await tier.log.publish(
    deleted(changed === KEYS ? all : (named[how] ?? named[0]!)),
  );
  for (const [one, version] of versions) {
    raise(world.own[index]!, one, version);
    if (outcome.kind === "applied") raise(world.known, one, version);
    else world.counts.queued += 1;
  }
}

async function read(world: World, index: number, { tier }: Heard, draw: (n: number) => number) {
  const key = KEYS[draw(KEYS.length)]!;
  const floor = Math.max(least(world.known, key), least(world.own[index]!, key));
  world.counts.reads += 1;
  const found = await tier.read(key, draw(2) === 0 ? [tagOf(key)] : undefined);
  if (found.kind === "found") {
    world.counts.hits += 1;
    const version = JSON.parse(found.entry.payload.bytes.toString()) as number;
    if (version < floor) world.stale.push(`${key}: ${version} < ${floor}`);
  } else if (found.kind === "absent") {
    const version = least(world.source, key);
    await pause(draw(10));
    const payload = { form: 1, bytes: Buffer.from(`${version}`) };
    await tier.fill(key, found.capture, value("", { payload, tags: [tagOf(key)] }));
  }
}

async function harm(draw: (n: number) => number): Promise<void> {
  const names = (await redis.command("KEYS", "*")) as readonly unknown[];
  const one = String(names[draw(Math.max(1, names.length))] ?? "none");
  const faults = [
    ["DEL", one],
    ["SCRIPT", "FLUSH"],
    ["CLIENT", "KILL", "TYPE", "normal"],
  ];
  const rare = [["FLUSHALL"], ["XTRIM", "hasten:1:{ns}:log", "MAXLEN", "1"]];
  const fault = draw(10) === 0 ? rare[draw(rare.length)]! : faults[draw(faults.length)]!;
  await redis.command(...fault).catch(() => undefined);
}

test("nothing stale is read", async () => {
  const seed = Date.now();
  const draw = randomOf(seed);
  const tiers = await Promise.all(
    Array.from({ length: 4 }, () => opened(redis, { retryDelayMaxMs: 20 })),
  );
  const world: World = {
    source: new Map(),
    known: new Map(),
    own: tiers.map(() => new Map()),
    counts: { reads: 0, hits: 0, queued: 0 },
    stale: [],
  };
  const untilMs = performance.now() + RUN_MS;
  const work = tiers.flatMap((one, index) =>
    Array.from({ length: 4 }, async () => {
      while (performance.now() < untilMs) {
        if (draw(12) === 0) await write(world, index, one, draw);
        else await read(world, index, one, draw);
        if (!one.tier.usable) await pause(5);
      }
    }),
  );
  const harming = (async () => {
    while (performance.now() < untilMs) {
      await pause(20 + draw(60));
      await harm(draw);
    }
  })();
  await Promise.all([...work, harming]);
  await Promise.all(tiers.map(({ tier }) => tier.close()));
  expect(world.stale, `seed ${seed}`).toEqual([]);
  expect(world.counts.hits).toBeGreaterThan(100);
});
