/** One run: a server, API processes, writers, readers, faults; then every answer is judged. */
import { setTimeout as delay } from "node:timers/promises";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { nowMs } from "./clock.ts";
import { EVERY_FAULT, type EveryFault } from "./every-fault.ts";
import type { AnyMutant } from "./every-mutant.ts";
import { type Fleet, type Slot, startFleet } from "./fleet.ts";
import type { ApiSettings, FromWriter } from "./messages.ts";
import { Oracle, type Stale, type Write } from "./oracle.ts";
import { type Pooler, startPooler } from "./pooler.ts";
import { type Random, seeded } from "./random.ts";
import { createReaders, type Readers, type Tally } from "./readers.ts";
import { prepare } from "./schema.ts";
import { type ChaosServer, startServer } from "./server.ts";
import { randomPlan } from "./writes.ts";

export interface RunOptions {
  readonly seed: number;
  readonly boundMs: number;
  /** It goes on until so many reads were answered. */
  readonly reads: number;
  /** It ends then, however many reads there were. */
  readonly secondsMax: number;
  readonly readsPerSecond: number;
  readonly apis: number;
  readonly writers: number;
  /** Of all writers together, library and foreign. */
  readonly writesPerSecond: number;
  /** One after the other, again and again, with a pause in between. */
  readonly faults: readonly EveryFault[];
  readonly faultPauseMs: number;
  readonly poolMax: number;
  /** Of every API process; the run ends when it was found. @default none */
  readonly mutant?: AnyMutant | undefined;
  /** Without any cache: nothing can be stale, or the harness is wrong. @default false */
  readonly bare?: boolean | undefined;
  /** The processes share a Redis of the run's own, and one of them leads. @default false */
  readonly redis?: boolean | undefined;
  /** The processes connect through a PgBouncer that hostile clients use as well. @default false */
  readonly pooler?: boolean | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface RunReport {
  readonly options: Omit<RunOptions, "onLine">;
  readonly seconds: number;
  readonly reads: number;
  readonly readsByRoute: Readonly<Record<string, number>>;
  readonly hitsByRoute: Readonly<Record<string, number>>;
  readonly tally: Tally;
  readonly writes: {
    readonly byApi: number;
    readonly foreign: number;
    readonly rolledBack: number;
    readonly unknown: number;
  };
  readonly faults: Readonly<Record<string, number>>;
  /** API processes that ended by themselves. */
  readonly died: number;
  /** Of the answers that did not show the newest acknowledged write, the one furthest behind. */
  readonly worstLagMs: number;
  readonly stale: number;
  /** Answers that said of themselves that they are not tracked, and were behind. */
  readonly staleUntracked: number;
  readonly staleByRoute: Readonly<Record<string, number>>;
  readonly examples: readonly Stale[];
}

const EXAMPLES_MAX = 10;
/** Share of the writes that go through the library. */
const OWN_SHARE = 0.4;
const LANES = 6;
const WARM_UP_MS = 1_000;

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
  const places = { url: server.url, pooledUrl: pooler?.url, redisUrl: redis?.url };
  await using fleet = await startFleetFor(options, places, (message) => {
    if (message.kind === "wrote") writes.push(message.write);
    if (message.kind === "rolled-back") readers.rolledBack += 1;
  });
  const startedMs = nowMs();
  const soFar = (faults: ReadonlyMap<EveryFault, number>): RunReport => {
    const seconds = (nowMs() - startedMs) / 1_000;
    const all = [...writes, ...readers.writes];
    const died = fleet.slots.reduce((sum, slot) => sum + slot.died, 0);
    return judged({ options, seconds, readers, faults, writes: all, server, died });
  };
  const found = (): boolean => options.mutant !== undefined && soFar(new Map()).stale > 0;
  const faults = await underLoad({ options, server, redis, pooler, fleet, readers, random, found });
  await fleet.stopWriters();
  return soFar(faults);
}

function startFleetFor(
  options: RunOptions,
  { url, pooledUrl, redisUrl }: Places,
  onWriter: (message: FromWriter) => void,
): Promise<Fleet> {
  const { boundMs, poolMax, mutant, apis, seed, bare = false } = options;
  const writesPerSecond = (options.writesPerSecond * (1 - OWN_SHARE)) / options.writers;
  return startFleet({
    api: {
      ...{ redisUrl, boundMs, poolMax, mutant, bare },
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
  readonly url: string;
  readonly pooledUrl: string | undefined;
  readonly redisUrl: ApiSettings["redisUrl"];
}

interface Load {
  readonly options: RunOptions;
  readonly server: ChaosServer;
  readonly redis: RedisServer | undefined;
  readonly pooler: Pooler | undefined;
  readonly fleet: Fleet;
  readonly readers: Readers;
  readonly random: Random;
  /** Whether the mutant was found. */
  readonly found: () => boolean;
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
  for (let at = 0; !enough() && !found(); at++) {
    const fault = options.faults[at % options.faults.length];
    if (fault !== undefined) {
      options.onLine?.(`${readers.reads.length} reads; ${fault}`);
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

interface Judging {
  readonly options: RunOptions;
  readonly seconds: number;
  readonly readers: Readers;
  readonly faults: ReadonlyMap<EveryFault, number>;
  readonly writes: readonly Write[];
  readonly server: ChaosServer;
  readonly died: number;
}

function judged({ options, seconds, readers, faults, writes, server, died }: Judging): RunReport {
  const { onLine: _, ...told } = options;
  const oracle = new Oracle(options.boundMs, writes, server.crashesAtMs);
  const stale: Stale[] = [];
  const readsByRoute = new Map<string, number>();
  const hitsByRoute = new Map<string, number>();
  const staleByRoute = new Map<string, number>();
  let worstLagMs = 0;
  let staleUntracked = 0;
  for (const read of readers.reads) {
    const route = read.path.split("/")[1]!;
    count(readsByRoute, route);
    if (read.hit === true) count(hitsByRoute, route);
    const found = oracle.judge(read);
    if (found === undefined) {
      worstLagMs = Math.max(worstLagMs, oracle.lagMs(read));
      continue;
    }
    if (read.untracked === true) {
      staleUntracked += 1;
      continue;
    }
    stale.push(found);
    count(staleByRoute, route);
  }
  const known = writes.filter((write) => write.resolvedAtMs !== undefined);
  const byApi = known.filter((write) => write.process.startsWith("api")).length;
  return {
    options: told,
    seconds,
    reads: readers.reads.length,
    readsByRoute: Object.fromEntries(readsByRoute),
    hitsByRoute: Object.fromEntries(hitsByRoute),
    tally: readers.tally,
    writes: {
      byApi,
      foreign: known.length - byApi,
      rolledBack: readers.rolledBack,
      unknown: writes.length - known.length,
    },
    faults: Object.fromEntries(faults),
    died,
    worstLagMs,
    stale: stale.length,
    staleUntracked,
    staleByRoute: Object.fromEntries(staleByRoute),
    examples: stale.slice(0, EXAMPLES_MAX),
  };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
