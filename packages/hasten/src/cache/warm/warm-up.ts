/**
 * Warming at start and on a schedule.
 *
 * Invariants:
 * - one run at a time; a strategy that runs or waits is joined, never queued twice, so that at most
 *   as many runs wait as there are strategies;
 * - the next run is planned when the one before has ended: they never overlap. Plans are jittered,
 *   so that processes that started together spread out;
 * - no timer keeps a process alive, and after `close` there is none.
 */
import type { Timer } from "../../core/clock.ts";
import { known, resolveWarmUp } from "./options.ts";
import { Run } from "./run.ts";
import type { WarmStrategies, WarmUp, WarmUpOptions, WarmUpReport } from "./types.ts";

const CLOSED = "the warm-up was closed";
const EARLIER_MAX = 0.1;

/**
 * Fills a cache before it is asked: tasks by priority, a few at once, tried again when they fail.
 * A failed task stops neither the others nor the start.
 * @throws HastenError HST_CACHE_OPTION
 */
export function createWarmUp<const S extends WarmStrategies>(options: WarmUpOptions<S>): WarmUp<S> {
  const resolved = resolveWarmUp(options);
  const { clock, everyMs, random } = resolved;
  const waiting = new Map<string, Run>();
  let running: Run | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let last: WarmUpReport | undefined;
  let timer: Timer | undefined;
  let nextAtMs: number | undefined;
  let started = false;
  let closed = false;

  const begin = (strategy: string): Run => {
    const joined = waiting.get(strategy);
    if (joined !== undefined) return joined;
    const before = queue.then(() => {
      running = run;
    });
    const run: Run = new Run(resolved, strategy, before);
    waiting.set(strategy, run);
    if (closed) run.cancel(CLOSED);
    queue = run.report.then((report) => {
      waiting.delete(strategy);
      running = undefined;
      last = report;
    });
    return run;
  };
  const plan = (): void => {
    if (closed || everyMs === 0) return;
    const delayMs = everyMs * (1 - EARLIER_MAX * random());
    nextAtMs = clock.wallMs() + delayMs;
    timer = clock.schedule(delayMs, () => {
      nextAtMs = undefined;
      void begin(resolved.strategy).report.then(plan);
    });
  };
  const close = async (): Promise<void> => {
    closed = true;
    timer?.cancel();
    nextAtMs = undefined;
    for (const run of waiting.values()) run.cancel(CLOSED);
    await queue;
  };

  return {
    start() {
      if (started || closed) return undefined;
      started = true;
      const run = resolved.atStart === false ? undefined : begin(resolved.atStart);
      if (run === undefined) plan();
      else void run.report.then(plan);
      return run;
    },
    run(strategy = resolved.strategy as keyof S & string, { signal } = {}) {
      const run = begin(known(resolved.strategies, strategy, "strategy"));
      if (signal === undefined) return run;
      const cancel = (): void => run.cancel("its caller cancelled it");
      if (signal.aborted) cancel();
      signal.addEventListener("abort", cancel, { once: true });
      void run.report.then(() => signal.removeEventListener("abort", cancel));
      return run;
    },
    status: () => ({ running: running?.progress, last, nextAtMs }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
