/**
 * One run of a strategy.
 *
 * Invariants:
 * - at most `concurrency` tasks at once, started in the order of their priority; at most as many
 *   loads at once, however many a task asks for;
 * - every task ends once, as done, failed (after its retries) or skipped, and none stops the others;
 * - `report` never rejects; when it resolves no task of the run is waited for, and the signal of
 *   each that was given up is aborted;
 * - tasks run outside any trace: what they read is in no answer.
 */
import type { Timer } from "../../core/clock.ts";
import { tell } from "../../core/tell.ts";
import { untraced } from "../../core/trace/index.ts";
import { type Tally, warmContext } from "./context.ts";
import { turnOf } from "./elsewhere.ts";
import { publishWarmUp } from "./events.ts";
import { Feed } from "./feed.ts";
import { Gate } from "./gate.ts";
import { type PlannedTask, planned, type ResolvedWarmUp } from "./options.ts";
import type { WarmTaskFailure, WarmUpProgress, WarmUpReport, WarmUpRun } from "./types.ts";
import { unless } from "./unless.ts";

const RETRY_LONGEST_MS = 30_000;
/** Of a task's lease: waiting for another process is bounded like an attempt. */
const TOO_LONG = "it took longer than taskMaxMs";

export class Run implements WarmUpRun, Tally {
  readonly report: Promise<WarmUpReport>;
  readonly strategy: string;
  loaded = 0;
  there = 0;
  readonly #options: ResolvedWarmUp;
  readonly #gate: Gate;
  readonly #feed = new Feed(() => this.progress);
  readonly #stop = new AbortController();
  readonly #running = new Set<string>();
  readonly #done: string[] = [];
  readonly #failed: WarmTaskFailure[] = [];
  readonly #skipped: { task: string; because: string }[] = [];
  #tasks = 0;
  #startedMs: number;
  #ended = false;

  /** @param after what must have ended before it begins */
  constructor(options: ResolvedWarmUp, strategy: string, after: Promise<unknown>) {
    this.strategy = strategy;
    this.#options = options;
    this.#gate = new Gate(options.concurrency);
    this.#startedMs = options.clock.nowMs();
    this.report = after.then(() => this.#run());
  }

  get progress(): WarmUpProgress {
    const done = this.#done.length;
    const failed = this.#failed.length;
    const skipped = this.#skipped.length;
    const over = done + failed + skipped;
    const tasks = this.#tasks;
    const elapsedMs = this.#options.clock.nowMs() - this.#startedMs;
    const etaMs = over === 0 ? undefined : (elapsedMs / over) * (tasks - over);
    return {
      ...{ tasks, done, failed, skipped, elapsedMs, loaded: this.loaded, there: this.there },
      warmUp: this.#options.name,
      strategy: this.strategy,
      running: [...this.#running],
      percent: tasks === 0 ? 100 * Number(this.#ended) : Math.floor((100 * over) / tasks),
      etaMs: this.#ended ? 0 : etaMs,
      ended: this.#ended,
    };
  }

  [Symbol.asyncIterator](): AsyncIterator<WarmUpProgress> {
    return this.#feed[Symbol.asyncIterator]();
  }

  changed(): void {
    this.#feed.changed();
  }

  cancel(because = "it was cancelled"): void {
    if (!this.#ended) this.#stop.abort(new Error(because));
  }

  async #run(): Promise<WarmUpReport> {
    this.#startedMs = this.#options.clock.nowMs();
    try {
      const waiting = [...planned(this.#options, this.strategy)];
      this.#tasks = waiting.length;
      this.#step();
      const take = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
          await this.#task(next);
      };
      await Promise.all(Array.from({ length: this.#options.concurrency }, take));
    } catch (error) {
      // The table of a strategy could not be made.
      this.#tasks = 1;
      this.#failed.push({ task: `the tasks of ${this.strategy}`, error, attempts: 1 });
    }
    return this.#end();
  }

  #end(): WarmUpReport {
    this.#ended = true;
    const report: WarmUpReport = {
      ...{ loaded: this.loaded, there: this.there, done: this.#done, failed: this.#failed },
      skipped: this.#skipped,
      warmUp: this.#options.name,
      strategy: this.strategy,
      ms: this.#options.clock.nowMs() - this.#startedMs,
      cancelled: this.#stop.signal.aborted,
    };
    this.#feed.end();
    tell(this.#options.onProgress, this.progress);
    publishWarmUp({ kind: "ended", report });
    return report;
  }

  async #task(plan: PlannedTask): Promise<void> {
    const { name } = plan.task;
    const idle = this.#idle();
    if (idle !== undefined) {
      this.#skipped.push({ task: name, because: idle });
      return;
    }
    this.#running.add(name);
    this.#step();
    try {
      await this.#inTurn(plan);
    } catch (error) {
      this.#failed.push({ task: name, error, attempts: 0 });
    }
    this.#running.delete(name);
    this.#step();
  }

  /** Why nothing is to be begun. */
  #idle(): string | undefined {
    const { aborted, reason } = this.#stop.signal;
    if (aborted) return (reason as Error).message;
    return this.#options.cache.enabled ? undefined : "the cache is off or closed";
  }

  async #inTurn(plan: PlannedTask): Promise<void> {
    const { cache, name, skipElsewhere: skip } = this.#options;
    const names = [name, plan.strategy, plan.task.name];
    const limit = this.#limit();
    const turn = await turnOf(cache.shared, names, { skip, signal: limit.signal })
      .catch((error: Error) => ({ kind: "skip" as const, because: error.message }))
      .finally(limit.end);
    if (turn.kind === "skip") {
      this.#skipped.push({ task: plan.task.name, because: turn.because });
      return;
    }
    try {
      await this.#attempts(plan);
    } finally {
      turn.end();
    }
  }

  async #attempts(plan: PlannedTask): Promise<void> {
    const { retries } = this.#options;
    const task = plan.task.name;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#attempt(plan, attempt);
        this.#done.push(task);
        return;
      } catch (error) {
        const idle = this.#idle();
        if (idle !== undefined) {
          this.#skipped.push({ task, because: idle });
          return;
        }
        const failure = { task, error, attempts: attempt };
        const again = attempt <= retries;
        const { strategy } = this;
        publishWarmUp({
          kind: "task-failed",
          warmUp: this.#options.name,
          strategy,
          failure,
          again,
        });
        if (!again) {
          this.#failed.push(failure);
          return;
        }
        await this.#pause(attempt);
      }
    }
  }

  async #attempt({ task, strategy, ttlMs }: PlannedTask, attempt: number): Promise<void> {
    const { cache } = this.#options;
    const { signal, end } = this.#limit();
    const surroundings = { cache, gate: this.#gate, tally: this, ttlMs };
    try {
      const context = warmContext(surroundings, { signal, strategy, attempt });
      await unless(
        signal,
        untraced(async () => task.run(context)),
      );
    } finally {
      end();
    }
  }

  /** Aborted when the run is cancelled, or after `taskMaxMs`; to be ended. */
  #limit(): { readonly signal: AbortSignal; end(): void } {
    const { clock, taskMaxMs } = this.#options;
    const late = new AbortController();
    const timer: Timer = clock.schedule(taskMaxMs, () => late.abort(new Error(TOO_LONG)));
    const signal = AbortSignal.any([this.#stop.signal, late.signal]);
    return { signal, end: () => timer.cancel() };
  }

  /** Ends early when the run is cancelled. */
  async #pause(attempt: number): Promise<void> {
    const { retryAfterMs, random, clock } = this.#options;
    const longest = Math.min(RETRY_LONGEST_MS, retryAfterMs * 2 ** (attempt - 1));
    const over = Promise.withResolvers<void>();
    const timer = clock.schedule(longest * (1 - random() / 2), over.resolve);
    await unless(this.#stop.signal, over.promise).catch(() => undefined);
    timer.cancel();
  }

  #step(): void {
    this.changed();
    const { progress } = this;
    tell(this.#options.onProgress, progress);
    publishWarmUp({ kind: "progress", progress });
  }
}
