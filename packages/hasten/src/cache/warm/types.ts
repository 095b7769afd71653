import type { Clock } from "../../core/clock.ts";
import type { Key } from "../keys.ts";
import type { BatchLoad, Cache, LoadContext, LoadOptions } from "../types.ts";

/** One thing to warm. What it loads goes through the cache, so that invalidations stay safe. */
export interface WarmTask {
  /** In progress, reports and leases; each once in a strategy. */
  readonly name: string;
  /** Higher ones first. @default 0 */
  readonly priority?: number | undefined;
  run(warm: WarmContext): Promise<unknown>;
}

/** What a task is given. */
export interface WarmContext {
  /** Aborted when the run is cancelled or the task took too long. */
  readonly signal: AbortSignal;
  readonly strategy: string;
  /** 1 at first. */
  readonly attempt: number;
  /** Loads a value unless it is there, and more than half of its time is left. */
  one<V>(
    key: Key<V>,
    load: (context: LoadContext<V>) => V | Promise<V>,
    options?: LoadOptions<V>,
  ): Promise<V>;
  /** The same for many, in batches of `batchSize` (100). */
  many<V>(
    keys: Iterable<Key<V>> | AsyncIterable<Key<V>>,
    load: BatchLoad<V>,
    options?: LoadOptions<V> & { readonly batchSize?: number },
  ): Promise<void>;
}

/** A set of tasks with what they have in common. */
export interface WarmStrategy {
  /** How long its values are fresh where a task says nothing. @default the cache's ttlMs */
  readonly ttlMs?: number | undefined;
  /** Made anew for each run where it is a function. @default none */
  readonly tasks?: readonly WarmTask[] | ((now: Date) => readonly WarmTask[]) | undefined;
  /** Strategies whose tasks are its own as well. @default none */
  readonly includes?: readonly string[] | undefined;
}

export type WarmStrategies = Readonly<Record<string, WarmStrategy>>;

/** Options of `createWarmUp`. Durations are milliseconds. */
export interface WarmUpOptions<S extends WarmStrategies> {
  readonly cache: Cache;
  readonly strategies: S;
  /** The strategy of the schedule. */
  readonly strategy: keyof S & string;
  /** What `start()` runs at once; false: nothing. @default `strategy` */
  readonly atStart?: (keyof S & string) | false | undefined;
  /** The time between runs, up to a tenth shorter at random; 0: only at start. @default 1_800_000 */
  readonly everyMs?: number | undefined;
  /** Told in progress, events and leases. @default "warm-up" */
  readonly name?: string | undefined;
  /** Tasks, and loads of `one` and `many`, at once; 1 to 1,000. @default 4 */
  readonly concurrency?: number | undefined;
  /** Further attempts of a task that failed; 0 to 100. @default 2 */
  readonly retries?: number | undefined;
  /** Before the first of them; doubles up to 30 s, and up to half of it less at random. @default 200 */
  readonly retryAfterMs?: number | undefined;
  /** An attempt that takes longer is given up. @default 120_000 */
  readonly taskMaxMs?: number | undefined;
  /**
   * What to do about a task that another process runs now: `"follow"` waits and then takes the
   * values from Redis into this process, `"skip"` leaves them there. @default "follow"
   */
  readonly whenElsewhere?: "follow" | "skip" | undefined;
  /** Told when a task starts and when it ends. */
  readonly onProgress?: ((progress: WarmUpProgress) => void) | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
}

export interface WarmUpProgress {
  readonly warmUp: string;
  readonly strategy: string;
  readonly tasks: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of the tasks that run now. */
  readonly running: readonly string[];
  /** Values loaded so far. */
  readonly loaded: number;
  /** Values that were there. */
  readonly there: number;
  /** Of the tasks. */
  readonly percent: number;
  readonly elapsedMs: number;
  /** Until the end, at the pace so far; undefined before the first task has ended. */
  readonly etaMs: number | undefined;
  readonly ended: boolean;
}

export interface WarmUpReport {
  readonly warmUp: string;
  readonly strategy: string;
  /** Names of the tasks that succeeded. */
  readonly done: readonly string[];
  readonly failed: readonly WarmTaskFailure[];
  readonly skipped: readonly { readonly task: string; readonly because: string }[];
  readonly loaded: number;
  readonly there: number;
  readonly ms: number;
  readonly cancelled: boolean;
}

export interface WarmTaskFailure {
  readonly task: string;
  readonly error: unknown;
  readonly attempts: number;
}

/** A run that is under way. Iterating it tells the progress, the latest first, up to the end. */
export interface WarmUpRun extends AsyncIterable<WarmUpProgress> {
  readonly progress: WarmUpProgress;
  /** How it ended. Never rejects. */
  readonly report: Promise<WarmUpReport>;
  /** Gives up what runs and skips the rest. */
  cancel(because?: string): void;
}

/** What `channels.cacheWarmUp` publishes. */
export type WarmUpEvent =
  | { readonly kind: "progress"; readonly progress: WarmUpProgress }
  | {
      readonly kind: "task-failed";
      readonly warmUp: string;
      readonly strategy: string;
      readonly failure: WarmTaskFailure;
      /** Whether it is tried again. */
      readonly again: boolean;
    }
  | { readonly kind: "ended"; readonly report: WarmUpReport };

export interface WarmUpStatus {
  readonly running: WarmUpProgress | undefined;
  /** The latest run that ended. */
  readonly last: WarmUpReport | undefined;
  /** Wall clock; undefined where nothing is scheduled. */
  readonly nextAtMs: number | undefined;
}

export interface WarmUp<S extends WarmStrategies> extends AsyncDisposable {
  /**
   * Begins the run of the start, which nothing waits for, and the schedule. May be called again.
   * @returns the run of the start; undefined where there is none
   */
  start(): WarmUpRun | undefined;
  /**
   * Runs a strategy now. One run at a time: the one of this strategy that runs or waits already is
   * joined, another waits for its turn.
   */
  run(strategy?: keyof S & string, options?: { readonly signal?: AbortSignal }): WarmUpRun;
  status(): WarmUpStatus;
  /** Cancels what runs and the schedule, and waits until nothing is left. Never rejects. */
  close(): Promise<void>;
}
