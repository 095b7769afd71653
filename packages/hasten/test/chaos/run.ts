/** One run: a server, API processes, writers, readers, faults; then every answer is judged. */
import { setTimeout as delay } from "node:timers/promises";
import type { Replica } from "hasten-tools/postgres";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { nowMs } from "./clock.ts";
import { EVERY_FAULT, type EveryFault } from "./every-fault.ts";
import { type Fleet, type Slot, startFleet } from "./fleet.ts";
import { judged } from "./judged.ts";
import type { ApiSettings, FromWriter } from "./messages.ts";
import type { Write } from "./oracle.ts";
import { type Pooler, startPooler } from "./pooler.ts";
import { type Random, seeded } from "./random.ts";
import { createReaders, type Readers } from "./readers.ts";
import { replicaOf } from "./replica.ts";
import type { RunOptions, RunReport } from "./run-types.ts";
import { prepare } from "./schema.ts";
import { type ChaosServer, startServer } from "./server.ts";
import { randomPlan } from "./writes.ts";

/** Share of the writes that go through the library. */
const OWN_SHARE = 0.4;
const LANES = 6;
const WARM_UP_MS = 1_000;
const TOLD_MS = 300;

/** A run on a server of its own. */
export async function chaosRun(options: RunOptions): Promise<RunReport> {
  await using server = await startServer();
  // Awaited: the server is disposed of when this function returns.
  return await chaosRunOn(server, options);
}

/** A run on an empty database of this server. */
export async function chaosRunOn(server: ChaosServer, options: RunOptions): Promise<RunReport> {
  const random = seeded(options.seed);
  const writes: Write[] = [await prepare(server.url)];
  const readers = createReaders(random);
  await using redis = options.redis === true ? await startRedis() : undefined;
  await using pooler = options.pooler === true ? await startPooler(server.url, random) : undefined;
  await using replica = options.replica === true ? await replicaOf(server.url) : undefined;
  const places = {
    replicaUrl: replica?.url,
    url: server.url,
    pooledUrl: pooler?.url,
    redisUrl: redis?.url,
  };
  await using fleet = await startFleetFor(options, places, (message) => {
    if (message.kind === "wrote") writes.push(message.write);
    if (message.kind === "rolled-back") readers.rolledBack += 1;
  });
  const startedMs = nowMs();
  const soFar = (faults: ReadonlyMap<EveryFault, number>): RunReport => {
    const seconds = (nowMs() - startedMs) / 1_000;
    const all = [...writes, ...readers.writes];
    const died = fleet.slots.reduce((sum, slot) => sum + slot.died, 0);
    const poolerDied = pooler?.died ?? 0;
    return {
      replicaReads: 0,
      ...judged({
        options,
        seconds,
        readers,
        faults,
        writes: all,
        crashesAtMs: server.crashesAtMs,
        died,
      }),
      poolerDied,
    };
  };
  const isStale = (): boolean => soFar(new Map()).stale > 0;
  const found = async (): Promise<boolean> => {
    if (options.mutant === undefined || !isStale()) return false;
    // What explains an answer may still be on its way from the process that wrote it.
    await delay(TOLD_MS);
    return isStale();
  };
  const faults = await underLoad({
    options,
    server,
    redis,
    pooler,
    replica,
    fleet,
    readers,
    random,
    found,
  });
  await fleet.stopWriters();
  const replicaReads = await readByReplica(fleet.slots);
  return { ...soFar(faults), replicaReads };
}

interface Status {
  readonly replicas?: { readonly replicas: readonly { readonly reads: number }[] };
}

async function readByReplica(slots: readonly Slot[]): Promise<number> {
  const counts = slots.map(async ({ port }) => {
    const reply = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined);
    const { replicas } = ((await reply?.json()) ?? {}) as Status;
    return replicas?.replicas.reduce((sum, { reads }) => sum + reads, 0) ?? 0;
  });
  return (await Promise.all(counts)).reduce((sum, some) => sum + some, 0);
}

function startFleetFor(
  options: RunOptions,
  { url, pooledUrl, redisUrl, replicaUrl }: Places,
  onWriter: (message: FromWriter) => void,
): Promise<Fleet> {
  const { boundMs, poolMax, mutant, apis, seed, bare = false } = options;
  const writesPerSecond = (options.writesPerSecond * (1 - OWN_SHARE)) / options.writers;
  return startFleet({
    api: {
      ...{ redisUrl, replicaUrl, boundMs, poolMax, mutant, bare },
      ...{ url: pooledUrl ?? url, directUrl: pooledUrl === undefined ? undefined : url },
    },
    apis,
    writers: Array.from({ length: options.writers }, (_, at) => ({
      // Some come the way that the API comes, some past the pooler.
      url: at % 2 === 0 ? url : (pooledUrl ?? url),
      name: `writer ${at}`,
      seed: seed * 100 + at,
      writesPerSecond,
    })),
    onWriter,
    onLine: options.onLine ?? (() => undefined),
  });
}

interface Places {
  readonly replicaUrl: string | undefined;
  readonly url: string;
  readonly pooledUrl: string | undefined;
  readonly redisUrl: ApiSettings["redisUrl"];
}

interface Load {
  readonly options: RunOptions;
  readonly server: ChaosServer;
  readonly redis: RedisServer | undefined;
  readonly pooler: Pooler | undefined;
  readonly replica: Replica | undefined;
  readonly fleet: Fleet;
  readonly readers: Readers;
  readonly random: Random;
  /** Whether the mutant was found. */
  readonly found: () => Promise<boolean>;
}

/** Reads and writes until there were enough reads, while one fault follows the other. */
async function underLoad(load: Load): Promise<Map<EveryFault, number>> {
  const { options, fleet, readers, random, found } = load;
  const endsMs = nowMs() + options.secondsMax * 1_000;
  const enough = (): boolean => readers.reads.length >= options.reads || nowMs() >= endsMs;
  const lanes = fleet.slots.flatMap((slot) => lanesOf(slot, load));
  await delay(WARM_UP_MS);
  const counts = new Map<EveryFault, number>();
  const surroundings = {
    ...load,
    slots: fleet.slots,
    ask: (slot: Slot, path: string) => readers.ask(slot, path),
    handOver: (slot: Slot) => readers.handOver(slot),
    boundMs: options.boundMs,
    probe: (slot: Slot) => readers.probe(slot),
    wrote: (write: Write) => readers.writes.push(write),
  };
  for (let at = 0; !enough() && !(await found()); at++) {
    const fault = options.faults[at % options.faults.length];
    if (fault !== undefined) {
      options.onLine?.(`${readers.reads.length} reads; ${fault}`);
      await load.pooler?.revive();
      await EVERY_FAULT[fault](surroundings);
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
    }
    await delay(options.faultPauseMs * (0.5 + random.next()));
  }
  readers.stop();
  await Promise.all(lanes);
  await readers.close();
  return counts;
}

function lanesOf(slot: Slot, { options, readers, random }: Load): Promise<void>[] {
  const lanes = options.apis * LANES;
  const readPauseMs = (1_000 * lanes) / options.readsPerSecond;
  const writePauseMs = (1_000 * options.apis) / (options.writesPerSecond * OWN_SHARE);
  return [
    ...Array.from({ length: LANES }, () => readers.lane(slot, readPauseMs)),
    readers.writing(slot, () => randomPlan(random), writePauseMs),
  ];
}
