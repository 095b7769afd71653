/** What a run is asked to do, and what it tells. */
import type { EveryFault } from "./every-fault.ts";
import type { AnyMutant } from "./every-mutant.ts";
import type { Stale } from "./oracle.ts";
import type { Tally } from "./readers.ts";

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
  /** Reads of the API go to a streaming replica. @default false */
  readonly replica?: boolean | undefined;
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
  /** PgBouncers that ended by themselves. */
  readonly poolerDied: number;
  /** Of the answers that did not show the newest acknowledged write, the one furthest behind. */
  readonly worstLagMs: number;
  /** The same of answers that were loaded for their own request, where there is a replica. */
  readonly loadedLagMs: number;
  /** What the replica answered, of the processes that were there at the end. */
  readonly replicaReads: number;
  readonly stale: number;
  /** Answers that said of themselves that they are not tracked, and were behind. */
  readonly staleUntracked: number;
  readonly staleByRoute: Readonly<Record<string, number>>;
  readonly examples: readonly Stale[];
}
