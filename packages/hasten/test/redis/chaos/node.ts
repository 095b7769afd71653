/** One process of a run: a cache over Redis, readers, and a writer. Tells what it saw. */
import { setTimeout as delay } from "node:timers/promises";
import { createSentinel } from "redis";
import { type Cache, createCache } from "../../../src/cache/index.ts";
import type { RedisSource } from "../../../src/redis/index.ts";
import { nowMs } from "../../chaos/clock.ts";
import { seeded } from "../../chaos/random.ts";
import { CACHED, ownedBy, PROMISED, randomKey, rowOf, tagsOf } from "./keys.ts";
import { type RedisPlace, settingsOf, tell } from "./messages.ts";
import { become } from "./mutants.ts";
import type { Read, Write } from "./oracle.ts";
import { openSource } from "./source.ts";
import { type Plan, randomPlan } from "./writes.ts";

process.on("disconnect", () => process.exit(0));

const settings = settingsOf();
const { name, at, boundMs, memoryTtlMs, readsPerSecond, writesPerSecond } = settings;
if (settings.mutant !== undefined) become(settings.mutant);

const LANES = 6;
const TELL_MS = 50;
const LONG_LOAD_SHARE = 0.05;
const TTL_MS = 30_000;
const GRACE_MS = 20_000;
const SOFT_TIMEOUT_MS = 25;
const POLL_MS = 10;
/** Longer than a command may take: what was under way has failed by then, and waits again. */
const QUIET_POLLS = 40;

const random = seeded(settings.seed);
const source = await openSource(settings.sourcePort);
const cache: Cache = createCache({
  name: "chaos",
  redis: { source: clientOf(settings.redis), boundMs, timeoutMs: 250, retryDelayMaxMs: 200 },
  ttlMs: TTL_MS,
  memory: { ttlMaxMs: memoryTtlMs },
});

let reads: Read[] = [];
let writes: Write[] = [];
let counts = { loads: 0, errors: 0, queued: 0 };
let error: string | undefined;

tell({ kind: "ready" });
setInterval(say, TELL_MS);
for (let lane = 0; lane < LANES; lane++) void reading();
void writing();

function clientOf(place: RedisPlace): RedisSource {
  if (place.kind === "server") return place.url;
  const { name, nodes } = place;
  return createSentinel({ name, sentinelRootNodes: [...nodes] }) as unknown as RedisSource;
}

function say(): void {
  const stats = cache.shared?.stats();
  const { hits: tierHits = 0, refusedFills = 0, gaps = 0 } = stats ?? {};
  const told = { ...counts, error, tierHits, refusedFills, gaps };
  tell({ kind: "told", process: name, reads, writes, counts: told });
  reads = [];
  writes = [];
  counts = { loads: 0, errors: 0, queued: 0 };
  error = undefined;
}

async function reading(): Promise<never> {
  const pauseMs = (1_000 * LANES) / readsPerSecond;
  for (;;) {
    await delay(2 * random.next() * pauseMs);
    try {
      await readOne();
    } catch (thrown) {
      counts.errors += 1;
      error = String(thrown);
    }
  }
}

async function readOne(): Promise<void> {
  const dice = random.next();
  if (dice < 0.08) await readMany();
  else if (dice < 0.12) await fillByHand(random.pick(CACHED));
  else {
    const key = randomKey(random);
    const startedAtMs = nowMs();
    const version = await through(key);
    reads.push({ process: name, key, version, startedAtMs, endedAtMs: nowMs() });
  }
}

async function readMany(): Promise<void> {
  const keys = [...new Set([0, 1, 2, 3].map(() => randomKey(random)))].filter((key) =>
    key.startsWith("p:"),
  );
  if (keys.length === 0) return;
  const startedAtMs = nowMs();
  const versions = await cache.getOrSetMany<number>(
    keys,
    async (wanted) => await Promise.all(wanted.map((key) => load(key))),
    { tags: ["everything", "t:0", "t:1", "t:2"] },
  );
  const endedAtMs = nowMs();
  for (const [index, key] of keys.entries())
    reads.push({ process: name, key, version: versions[index]!, startedAtMs, endedAtMs });
}

async function fillByHand(key: string): Promise<void> {
  const token = cache.begin<number>(key);
  try {
    await cache.set(key, await load(key), { token, tags: tagsOf(key) });
  } finally {
    token.release();
  }
}

function through(key: string): number | Promise<number> {
  const graced = PROMISED.graced(key) ? { graceMs: GRACE_MS, softTimeoutMs: SOFT_TIMEOUT_MS } : {};
  return cache.getOrSet<number>(key, () => load(key), { tags: tagsOf(key), ...graced });
}

async function load(key: string): Promise<number> {
  counts.loads += 1;
  const beforeMs = 3 * random.next();
  const afterMs = random.next() < LONG_LOAD_SHARE ? 120 * random.next() : 6 * random.next();
  await delay(beforeMs);
  const version = key.startsWith("c:") ? await through(rowOf(key)) : await source.read(key);
  await delay(afterMs);
  return version;
}

async function writing(): Promise<never> {
  for (;;) {
    await delay((2 * random.next() * 1_000) / writesPerSecond);
    try {
      await writeOne(randomPlan(random, ownedBy(at)));
    } catch (thrown) {
      counts.errors += 1;
      error = String(thrown);
    }
  }
}

async function writeOne(plan: Plan): Promise<void> {
  const committed = await source.write(plan.rows);
  const versions: Record<string, number> = {};
  for (const [index, row] of plan.rows.entries()) {
    const version = committed[index]!;
    versions[row] = version;
    if (row.startsWith("p:")) versions[`c:${row.slice(2)}`] = version;
  }
  const outcome = plan.invalidate(cache, versions);
  const calledAtMs = nowMs();
  const write = { process: name, by: plan.by, versions, softly: plan.softly, calledAtMs };
  const { kind } = await outcome;
  if (kind === "applied") writes.push({ ...write, acknowledgedAtMs: nowMs() });
  else {
    writes.push({ ...write, acknowledgedAtMs: undefined });
    counts.queued += 1;
    void untilSent(write);
  }
}

/** What was queued is with Redis once nothing has waited for longer than a command may take. */
async function untilSent(write: Omit<Write, "acknowledgedAtMs">): Promise<void> {
  let quiet = 0;
  while (quiet < QUIET_POLLS) {
    await delay(POLL_MS);
    quiet = cache.shared?.status().queued === 0 ? quiet + 1 : 0;
  }
  writes.push({ ...write, acknowledgedAtMs: nowMs(), late: true });
}
