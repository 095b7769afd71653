import { type Clock, systemClock } from "../../core/clock.ts";
import type { OptionNames } from "../../core/known-options.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";
import type { PoolReport, PoolWatchEvent } from "./types.ts";

/** Options of `watchPool`, and of `createDatabase({ poolWatch })`. */
export interface PoolWatchOptions {
  /** In events, reports and metrics. @default the database's name, or that of the library */
  readonly name?: string | undefined;
  /** A checkout this old is told as a leak, once. @default 60_000. Bounds 10 to 86_400_000. */
  readonly leakMs?: number | undefined;
  /** One this old is told beforehand (`held-long`); 0 = never. @default 0. Bounds 0, or 10 to leakMs. */
  readonly warnMs?: number | undefined;
  /** A `pool.query` that takes this long is told (`query-long`); 0 = never. @default 5_000. Bounds 0, or 10 to 86_400_000. */
  readonly longQueryMs?: number | undefined;
  /**
   * A leaked checkout this old has its connection destroyed; 0 = never. What its taker does with it
   * afterwards fails, in the middle of whatever it was doing. @default 0. Bounds 0, or leakMs to 86_400_000.
   */
  readonly destroyAfterMs?: number | undefined;
  /** Share of checkouts whose taker's stack is taken. @default 1. Bounds 0 to 1. */
  readonly stackShare?: number | undefined;
  /** Most stacks a second, about 8 µs each. @default 1_000. Bounds 0 to 1_000_000. */
  readonly stacksPerSecondMax?: number | undefined;
  /** What utilisation, arrivals and the size hint look back on. @default 60_000. Bounds 1_200 to 3_600_000. */
  readonly windowMs?: number | undefined;
  /** What utilisation should stay below. @default 0.7. Bounds 0.1 to 1. */
  readonly utilisationTarget?: number | undefined;
  /**
   * Most callers that wait, for pools that have no such bound themselves: the next one is refused at once
   * with HST_PG_POOL_FULL. @default none. Bounds 0 to 1_000_000.
   */
  readonly waitingMax?: number | undefined;
  /**
   * A connection that is given back while a statement runs on it. `destroy-abandoned`: closed if that
   * statement is one that `query_timeout` gave up. `destroy`: closed whatever it runs. `tell`: only told.
   * @default "destroy-abandoned"
   */
  readonly returnedBusy?: "destroy-abandoned" | "destroy" | "tell" | undefined;
  /** How often `onReport` is called. @default 60_000. Bounds 100 to 86_400_000. */
  readonly logEveryMs?: number | undefined;
  /** Called every logEveryMs, from an unref'd timer; see `poolLine`. Must not throw. */
  readonly onReport?: ((report: PoolReport) => void) | undefined;
  /** Called for each event, beside the diagnostics channel. Must not throw. */
  readonly onEvent?: ((event: PoolWatchEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
}

type Optional = "name" | "waitingMax" | "onReport" | "onEvent";

/** What the parts work with. */
export interface Watching
  extends Pick<PoolWatchOptions, Optional>,
    Readonly<{
      [Name in Exclude<keyof PoolWatchOptions, Optional>]-?: Exclude<
        PoolWatchOptions[Name],
        undefined
      >;
    }> {}

const DAY_MS = 86_400_000;
const RETURNED: readonly unknown[] = ["destroy-abandoned", "destroy", "tell"];

const NAMES: OptionNames<PoolWatchOptions> = {
  ...{ name: true, leakMs: true, warnMs: true, longQueryMs: true, destroyAfterMs: true },
  ...{ stackShare: true, stacksPerSecondMax: true, windowMs: true, utilisationTarget: true },
  ...{ waitingMax: true, returnedBusy: true, logEveryMs: true, onReport: true, onEvent: true },
  clock: true,
};

/** Fills in defaults and checks every bound. @throws HST_PG_OPTION, naming the option */
export function resolveWatching(o: PoolWatchOptions): Watching {
  refuseUnknown("poolWatch", o, NAMES);
  const leakMs = within("leakMs", o.leakMs ?? 60_000, 10, DAY_MS);
  if (o.returnedBusy !== undefined && !RETURNED.includes(o.returnedBusy))
    throw optionInvalid("poolWatch.returnedBusy", RETURNED.join(", "), o.returnedBusy);
  return {
    name: o.name,
    leakMs,
    warnMs: offOr("warnMs", o.warnMs, [10, leakMs]),
    longQueryMs: offOr("longQueryMs", o.longQueryMs ?? 5_000, [10, DAY_MS]),
    destroyAfterMs: offOr("destroyAfterMs", o.destroyAfterMs, [leakMs, DAY_MS]),
    stackShare: within("stackShare", o.stackShare ?? 1, 0, 1),
    stacksPerSecondMax: within("stacksPerSecondMax", o.stacksPerSecondMax ?? 1_000, 0, 1_000_000),
    windowMs: within("windowMs", o.windowMs ?? 60_000, 1_200, 3_600_000),
    utilisationTarget: within("utilisationTarget", o.utilisationTarget ?? 0.7, 0.1, 1),
    waitingMax:
      o.waitingMax === undefined ? undefined : within("waitingMax", o.waitingMax, 0, 1_000_000),
    returnedBusy: o.returnedBusy ?? "destroy-abandoned",
    logEveryMs: within("logEveryMs", o.logEveryMs ?? 60_000, 100, DAY_MS),
    onReport: o.onReport,
    onEvent: o.onEvent,
    clock: o.clock ?? systemClock,
  };
}

function within(name: string, value: unknown, low: number, high: number): number {
  if (typeof value !== "number" || !(value >= low && value <= high))
    throw optionInvalid(`poolWatch.${name}`, `from ${low} to ${high}`, value);
  return value;
}

function offOr(
  name: string,
  value: number | undefined,
  [low, high]: readonly [number, number],
): number {
  return value === undefined || value === 0 ? 0 : within(name, value, low, high);
}
