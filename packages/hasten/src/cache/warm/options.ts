import { type Clock, systemClock } from "../../core/clock.ts";
import { number } from "../bounds.ts";
import { optionInvalid } from "../errors.ts";
import type { Cache } from "../types.ts";
import type { WarmStrategies, WarmTask, WarmUpOptions, WarmUpProgress } from "./types.ts";

export interface ResolvedWarmUp {
  readonly cache: Cache;
  readonly name: string;
  readonly strategies: WarmStrategies;
  readonly strategy: string;
  readonly atStart: string | false;
  readonly everyMs: number;
  readonly concurrency: number;
  readonly retries: number;
  readonly retryAfterMs: number;
  readonly taskMaxMs: number;
  readonly skipElsewhere: boolean;
  readonly onProgress: ((progress: WarmUpProgress) => void) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A task of a run, with what its strategy says. */
export interface PlannedTask {
  readonly task: WarmTask;
  readonly strategy: string;
  readonly ttlMs: number | undefined;
}

const TIMER_MAX_MS = 2 ** 31 - 1;
const NAME_MAX = 64;

export function resolveWarmUp<S extends WarmStrategies>(options: WarmUpOptions<S>): ResolvedWarmUp {
  const { cache, strategies, strategy, name = "warm-up" } = options;
  const { atStart = strategy, whenElsewhere = "follow" } = options;
  if (name.length === 0 || name.length > NAME_MAX)
    throw optionInvalid("name", `1 to ${NAME_MAX} characters`, name);
  for (const [own, { includes = [] }] of Object.entries(strategies))
    for (const one of includes) known(strategies, one, `strategies.${own}.includes`);
  if (whenElsewhere !== "follow" && whenElsewhere !== "skip")
    throw optionInvalid("whenElsewhere", '"follow" or "skip"', whenElsewhere);
  return {
    cache,
    name,
    strategies,
    strategy: known(strategies, strategy, "strategy"),
    atStart: atStart === false ? false : known(strategies, atStart, "atStart"),
    everyMs: number("everyMs", options.everyMs ?? 1_800_000, 0, TIMER_MAX_MS),
    concurrency: Math.floor(number("concurrency", options.concurrency ?? 4, 1, 1_000)),
    retries: Math.floor(number("retries", options.retries ?? 2, 0, 100)),
    retryAfterMs: number("retryAfterMs", options.retryAfterMs ?? 200, 0, TIMER_MAX_MS),
    taskMaxMs: number("taskMaxMs", options.taskMaxMs ?? 120_000, 1, TIMER_MAX_MS),
    skipElsewhere: whenElsewhere === "skip",
    onProgress: options.onProgress,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

export function known(strategies: WarmStrategies, name: string, where: string): string {
  if (Object.hasOwn(strategies, name)) return name;
  throw optionInvalid(where, `one of ${Object.keys(strategies).join(", ")}`, name);
}

/** The tasks of a strategy and of those that it includes, each once, the most important first. */
export function planned(options: ResolvedWarmUp, strategy: string): readonly PlannedTask[] {
  const now = new Date(options.clock.wallMs());
  const seen = new Set<string>();
  const tasks: PlannedTask[] = [];
  const collect = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const { ttlMs, tasks: own = [], includes = [] } = options.strategies[name]!;
    for (const task of typeof own === "function" ? own(now) : own)
      if (!tasks.some((one) => one.task === task || same(one, { task, strategy: name })))
        tasks.push({ task, strategy: name, ttlMs });
    for (const one of includes) collect(one);
  };
  collect(strategy);
  return tasks.sort((a, b) => (b.task.priority ?? 0) - (a.task.priority ?? 0));
}

function same(a: PlannedTask, b: Pick<PlannedTask, "task" | "strategy">): boolean {
  return a.strategy === b.strategy && a.task.name === b.task.name;
}
