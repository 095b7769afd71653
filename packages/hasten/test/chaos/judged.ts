/** Judges a run: what was answered, by what had been written. */
import type { EveryFault } from "./every-fault.ts";
import { Oracle, type Stale, type Write } from "./oracle.ts";
import type { Readers } from "./readers.ts";
import { LOADED_BOUND_MS } from "./replica.ts";
import type { RunOptions, RunReport } from "./run-types.ts";

const EXAMPLES_MAX = 10;

interface Judging {
  readonly options: RunOptions;
  readonly seconds: number;
  readonly readers: Readers;
  readonly faults: ReadonlyMap<EveryFault, number>;
  readonly writes: readonly Write[];
  readonly crashesAtMs: readonly number[];
  readonly died: number;
}

/** Every answer, judged by what had been written. */
export function judged(judging: Judging): Omit<RunReport, "poolerDied" | "replicaReads"> {
  const { options, seconds, readers, faults, writes, crashesAtMs, died } = judging;
  const { onLine: _, ...told } = options;
  const oracle = new Oracle(options.boundMs, writes, crashesAtMs);
  const ofReplica = options.replica === true ? replicaOracle(writes, crashesAtMs) : oracle;
  const stale: Stale[] = [];
  const readsByRoute = new Map<string, number>();
  const hitsByRoute = new Map<string, number>();
  const staleByRoute = new Map<string, number>();
  let worstLagMs = 0;
  let loadedLagMs = 0;
  let staleUntracked = 0;
  for (const read of readers.reads) {
    const route = read.path.split("/")[1]!;
    count(readsByRoute, route);
    if (read.hit === true) count(hitsByRoute, route);
    const judge = read.loaded === true ? ofReplica : oracle;
    const found = judge.judge(read);
    if (found === undefined) {
      if (judge === oracle) worstLagMs = Math.max(worstLagMs, oracle.lagMs(read));
      else loadedLagMs = Math.max(loadedLagMs, oracle.lagMs(read));
      continue;
    }
    if (read.untracked === true && judge === oracle) {
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
    loadedLagMs,
    stale: stale.length,
    staleUntracked,
    staleByRoute: Object.fromEntries(staleByRoute),
    examples: stale.slice(0, EXAMPLES_MAX),
  };
}

/**
 * For what was loaded for this request alone, perhaps on the replica: it may be as old as the replica was
 * allowed to be, and must show what its token stands for.
 */
function replicaOracle(writes: readonly Write[], crashesAtMs: readonly number[]): Oracle {
  const shown = writes.map((write) => {
    if (!write.process.startsWith("api") || write.resolvedAtMs === undefined) return write;
    // Without a token nothing says whose it is: it counts as anybody's.
    const { toldAtMs } = write;
    return toldAtMs === undefined
      ? { ...write, process: "" }
      : { ...write, resolvedAtMs: toldAtMs };
  });
  return new Oracle(LOADED_BOUND_MS, shown, crashesAtMs);
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
