/** One run: a Redis, processes that read and write through caches over it, faults; then judged. */
import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "../../chaos/clock.ts";
import { seeded } from "../../chaos/random.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { PROMISED } from "./keys.ts";
import type { FromNode } from "./messages.ts";
import type { Mutant } from "./mutants.ts";
import { Oracle, type Read, type Stale, type Write } from "./oracle.ts";
import { type ChaosRedis, oneServer, watchedServers } from "./servers.ts";
import { startSource } from "./source.ts";

export interface RunOptions {
  readonly seed: number;
  readonly boundMs: number;
  /** It goes on until so many reads were answered. */
  readonly reads: number;
  /** It ends then, however many reads there were. */
  readonly secondsMax: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** Every second one keeps what it reads for a moment only, and asks Redis nearly always. */
  readonly nodes: number;
  readonly servers: "one" | "watched by Sentinels";
  /** One after the other, again and again, with a pause in between. */
  readonly faults: readonly Fault[];
  readonly faultPauseMs: number;
  /** Of every process; the run ends when it was found. @default none */
  readonly mutant?: Mutant | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface RunReport {
  readonly options: Omit<RunOptions, "onLine">;
  readonly seconds: number;
  readonly reads: number;
  readonly readsByFamily: Readonly<Record<string, number>>;
  readonly loads: number;
  readonly errors: number;
  readonly error: string | undefined;
  readonly tierHits: number;
  readonly refusedFills: number;
  readonly gaps: number;
  readonly writes: Readonly<Record<string, number>>;
  readonly queued: number;
  /** Queued, and nobody knows that Redis has them: the process was killed, or the run ended. */
  readonly unknown: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Processes that ended by themselves. */
  readonly died: number;
  /** Of the answers that did not show the newest acknowledged write, the one furthest behind. */
  readonly worstLagMs: number;
  readonly stale: number;
  readonly staleByFault: Readonly<Record<string, number>>;
  readonly examples: readonly (Stale & { readonly after: string })[];
}

const EXAMPLES_MAX = 10;
const WARM_UP_MS = 1_000;
const SETTLE_MS = 1_500;
const MEMORY_TTL_MS = 60_000;
const MOMENT_MS = 1;

interface Seen {
  readonly reads: Read[];
  readonly writes: Write[];
  readonly counts: { loads: number; errors: number; queued: number };
  /** Of each process in turn, the latest. */
  readonly totals: Map<string, { tierHits: number; refusedFills: number; gaps: number }>;
  error: string | undefined;
}

interface Happened {
  readonly fault: Fault;
  readonly fromMs: number;
  readonly toMs: number;
}

export async function chaosRun(options: RunOptions): Promise<RunReport> {
  await using redis = await (options.servers === "one" ? oneServer() : watchedServers());
  // Awaited: the servers are disposed of when this function returns.
  return await chaosRunOn(redis, options);
}

export async function chaosRunOn(redis: ChaosRedis, options: RunOptions): Promise<RunReport> {
  await using source = await startSource();
  const seen: Seen = {
    reads: [],
    writes: [],
    counts: { loads: 0, errors: 0, queued: 0 },
    totals: new Map(),
    error: undefined,
  };
  await using fleet = await fleetFor(options, { redis, sourcePort: source.port, seen });
  const startedMs = nowMs();
  const happened: Happened[] = [];
  const report = (): RunReport => {
    const died = fleet.slots.reduce((sum, slot) => sum + slot.died, 0);
    return judged({ options, seconds: (nowMs() - startedMs) / 1_000, seen, happened, died });
  };
  const found = (): boolean => options.mutant !== undefined && report().stale > 0;
  await underLoad({ redis, fleet, options, seen, happened, found });
  return report();
}

function fleetFor(
  options: RunOptions,
  { redis, sourcePort, seen }: { redis: ChaosRedis; sourcePort: number; seen: Seen },
): Promise<Fleet> {
  const { nodes, boundMs, seed, mutant } = options;
  return startFleet({
    nodes: Array.from({ length: nodes }, (_, at) => ({
      at,
      redis: redis.place,
      sourcePort,
      boundMs,
      seed: seed * 100 + at,
      memoryTtlMs: at % 2 === 0 ? MEMORY_TTL_MS : MOMENT_MS,
      readsPerSecond: options.readsPerSecond / nodes,
      writesPerSecond: options.writesPerSecond / nodes,
      mutant,
    })),
    onMessage: (message) => take(seen, message),
    onLine: options.onLine ?? (() => undefined),
  });
}

function take(seen: Seen, message: FromNode): void {
  if (message.kind !== "told") return;
  const { reads, writes, counts } = message;
  for (const read of reads) seen.reads.push(read);
  for (const write of writes) seen.writes.push(write);
  seen.counts.loads += counts.loads;
  seen.counts.errors += counts.errors;
  seen.counts.queued += counts.queued;
  seen.error ??= counts.error;
  seen.totals.set(message.process, counts);
}

interface Load {
  readonly redis: ChaosRedis;
  readonly fleet: Fleet;
  readonly options: RunOptions;
  readonly seen: Seen;
  readonly happened: Happened[];
  /** Whether the mutant was found. */
  readonly found: () => boolean;
}

/** Until there were enough reads, while one fault follows the other. */
async function underLoad(load: Load): Promise<void> {
  const { redis, fleet, options, seen, happened, found } = load;
  const { boundMs, faults, faultPauseMs } = options;
  const random = seeded(options.seed);
  const endsMs = nowMs() + options.secondsMax * 1_000;
  const enough = (): boolean => seen.reads.length >= options.reads || nowMs() >= endsMs;
  await delay(WARM_UP_MS);
  for (let at = 0; !enough() && !found(); at++) {
    const fault = faults[at % faults.length];
    if (fault !== undefined) {
      options.onLine?.(`${seen.reads.length} reads; ${fault}`);
      const fromMs = nowMs();
      try {
        await FAULTS[fault]({ redis, fleet, random, boundMs });
      } catch (error) {
        options.onLine?.(`${fault}: ${String(error)}`);
        await delay(boundMs);
      }
      happened.push({ fault, fromMs, toMs: nowMs() });
    }
    await delay(faultPauseMs * (0.5 + random.next()));
  }
  // What was read last is told, and acknowledged.
  await delay(SETTLE_MS);
}

interface Judging {
  readonly options: RunOptions;
  readonly seconds: number;
  readonly seen: Seen;
  readonly happened: readonly Happened[];
  readonly died: number;
}

function judged({ options, seconds, seen, happened, died }: Judging): RunReport {
  const { onLine: _, ...told } = options;
  const oracle = new Oracle(options.boundMs, seen.writes, PROMISED);
  const examples: (Stale & { readonly after: string })[] = [];
  const readsByFamily = new Map<string, number>();
  const staleByFault = new Map<string, number>();
  let stale = 0;
  let worstLagMs = 0;
  for (const read of seen.reads) {
    count(readsByFamily, read.key[0]!);
    const one = oracle.judge(read);
    if (one === undefined) {
      worstLagMs = Math.max(worstLagMs, oracle.lagMs(read));
      continue;
    }
    stale += 1;
    const after = during(happened, read.startedAtMs);
    count(staleByFault, after);
    if (examples.length < EXAMPLES_MAX) examples.push({ ...one, after });
  }
  const writes = new Map<string, number>();
  const acknowledged = seen.writes.filter((write) => write.acknowledgedAtMs !== undefined);
  for (const { by } of acknowledged) count(writes, by);
  const faults = new Map<string, number>();
  for (const { fault } of happened) count(faults, fault);
  const late = acknowledged.filter((write) => write.late === true).length;
  return {
    options: told,
    seconds,
    reads: seen.reads.length,
    readsByFamily: Object.fromEntries(readsByFamily),
    ...seen.counts,
    error: seen.error,
    ...summed(seen),
    writes: Object.fromEntries(writes),
    unknown: seen.counts.queued - late,
    faults: Object.fromEntries(faults),
    died,
    worstLagMs,
    stale,
    staleByFault: Object.fromEntries(staleByFault),
    examples,
  };
}

function summed({ totals }: Seen): Pick<RunReport, "tierHits" | "refusedFills" | "gaps"> {
  const sums = { tierHits: 0, refusedFills: 0, gaps: 0 };
  for (const { tierHits, refusedFills, gaps } of totals.values()) {
    sums.tierHits += tierHits;
    sums.refusedFills += refusedFills;
    sums.gaps += gaps;
  }
  return sums;
}

/** The fault that was under way, or the last one before. */
function during(happened: readonly Happened[], atMs: number): string {
  const last = happened.findLast(({ fromMs }) => fromMs <= atMs);
  if (last === undefined) return "nothing";
  return atMs <= last.toMs ? `during: ${last.fault}` : `after: ${last.fault}`;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
