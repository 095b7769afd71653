/**
 * What every statement did, window by window, and when one becomes slower than it used to be.
 *
 * Invariants:
 * - It hears of statements by the channel, whoever sent them; nothing is asked of the database.
 * - Bounded: at most statementsMax statements with windowsMax windows each; a new one takes the place of
 *   one that was not seen for as long as its windows reach, or is counted as not kept.
 * - A regression is measured by what was usual when it began; while it lasts its windows are learned for
 *   their hour of the week only (a nightly load is found once, not every week). After acceptAfterMs what
 *   is slow is usual, and all is learned anew.
 * - Only normalised statements are kept: no value of the application's data.
 */
import { channels } from "../../core/channels.ts";
import { type Clock, systemClock, type Timer } from "../../core/clock.ts";
import type { OptionNames } from "../../core/known-options.ts";
import { tell } from "../../core/tell.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";
import type { QueryEvent } from "../measure.ts";
import { Baseline, type Usual } from "./baseline.ts";
import { judge, type Regression, type Standing, USUAL } from "./regression.ts";
import {
  readSaved,
  restoredBaseline,
  type SavedHistory,
  savedHistory,
  savedStatement,
} from "./saved.ts";
import { Tally, type WindowStats } from "./tally.ts";

export interface QueryHistoryOptions {
  /** Length of a window. Milliseconds, 1_000 to 3_600_000. @default 60_000 */
  readonly windowMs?: number | undefined;
  /** Windows kept of each statement; 1 to 10_080. @default 60 */
  readonly windowsMax?: number | undefined;
  /** Statements kept; 1 to 10_000. About 14 KiB each. @default 200 */
  readonly statementsMax?: number | undefined;
  /** A slower statement is the usual one after this. Milliseconds. @default 86_400_000, a day */
  readonly acceptAfterMs?: number | undefined;
  /** What `save()` gave in an earlier run. @default nothing is usual yet */
  readonly saved?: unknown;
  /** Told when a statement has become slower than usual, and when that is over. Must not throw. */
  readonly onRegression?: ((event: RegressionEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface RegressionEvent extends Regression {
  readonly kind: "slower" | "over";
}

/** One statement's past. */
export interface StatementHistory {
  readonly statement: string;
  readonly database: string;
  /** Oldest first; windows without a call among them are left out. */
  readonly windows: readonly WindowStats[];
  /** What is usual at this hour of the week; undefined until enough was seen. */
  readonly usual: Usual | undefined;
  readonly regression: Regression | undefined;
}

export interface QueryHistory extends Disposable {
  /** By time in the windows kept, most first. */
  statements(): readonly StatementHistory[];
  regressions(): readonly Regression[];
  /** Statements seen while there was no place for them. */
  readonly notKept: number;
  /** What was learned, for `saved` of the next run. JSON-safe. */
  save(): SavedHistory;
  /** Stops listening; leaves no timer. */
  close(): void;
}

interface Kept {
  readonly statement: string;
  readonly database: string;
  readonly tally: Tally;
  readonly windows: WindowStats[];
  readonly baseline: Baseline;
  standing: Standing;
  regression: Regression | undefined;
  seenMs: number;
}

const NAMES: OptionNames<QueryHistoryOptions> = {
  ...{ windowMs: true, windowsMax: true, statementsMax: true, acceptAfterMs: true, saved: true },
  ...{ onRegression: true, clock: true },
};

/**
 * Collects the history of all statements of this process that hasten sees: those of every `Database`
 * and of everything watched.
 * @throws HST_PG_OPTION for an option out of bounds, or `saved` that `save()` did not give.
 */
export function collectHistory(options: QueryHistoryOptions = {}): QueryHistory {
  refuseUnknown("collectHistory", options, NAMES);
  const { clock = systemClock, onRegression } = options;
  const windowMs = bounded("windowMs", options.windowMs ?? 60_000, 1_000, 3_600_000);
  const windowsMax = bounded("windowsMax", options.windowsMax ?? 60, 1, 10_080);
  const statementsMax = bounded("statementsMax", options.statementsMax ?? 200, 1, 10_000);
  const acceptAfterMs = bounded("acceptAfterMs", options.acceptAfterMs ?? 86_400_000, 1, 1e12);
  const kept = new Map<string, Kept>();
  let notKept = 0;
  let fromMs = clock.wallMs();
  let timer: Timer | undefined;

  const keep = (statement: string, database: string, baseline: Baseline): Kept => {
    const one: Kept = {
      ...{ statement, database, baseline, tally: new Tally(), windows: [] },
      ...{ standing: USUAL, regression: undefined, seenMs: clock.wallMs() },
    };
    kept.set(keyOf(statement, database), one);
    return one;
  };
  const hear = (message: unknown): void => {
    const event = message as QueryEvent;
    const one =
      kept.get(keyOf(event.statement, event.database)) ??
      (kept.size < statementsMax
        ? keep(event.statement, event.database, new Baseline())
        : undefined);
    if (one === undefined) notKept += 1;
    else one.tally.add(event);
  };
  const tellOf = (kind: RegressionEvent["kind"], regression: Regression): void =>
    tell(onRegression, { ...regression, kind });

  const closeWindow = (): void => {
    for (const [key, one] of kept) {
      const window = one.tally.take(fromMs);
      if (window.count > 0) {
        one.seenMs = fromMs;
        one.windows.push(window);
        if (one.windows.length > windowsMax) one.windows.shift();
      } else if (fromMs - one.seenMs > windowsMax * windowMs && kept.size >= statementsMax) {
        kept.delete(key);
        continue;
      }
      apply(one, window, { acceptAfterMs, tellOf });
    }
    fromMs = clock.wallMs();
  };
  const plan = (): void => {
    timer = clock.schedule(windowMs, () => {
      closeWindow();
      plan();
    });
  };

  if (options.saved !== undefined)
    for (const saved of readSaved(options.saved, windowMs).slice(0, statementsMax))
      keep(saved.statement, saved.database, restoredBaseline(saved));
  channels.postgresQuery.subscribe(hear);
  plan();
  const close = (): void => {
    channels.postgresQuery.unsubscribe(hear);
    timer?.cancel();
  };
  return {
    statements: () => [...kept.values()].map((one) => shown(one, clock)).sort(byTime),
    regressions: () => [...kept.values()].flatMap(({ regression }) => regression ?? []),
    get notKept() {
      return notKept;
    },
    save: () =>
      savedHistory(
        windowMs,
        [...kept.values()].map((one) => savedStatement(one, one.baseline)),
      ),
    close,
    [Symbol.dispose]: close,
  };
}

interface Applying {
  readonly acceptAfterMs: number;
  readonly tellOf: (kind: RegressionEvent["kind"], regression: Regression) => void;
}

function apply(one: Kept, window: WindowStats, { acceptAfterMs, tellOf }: Applying): void {
  const usual = one.regression?.usual ?? one.baseline.usual(window.fromMs);
  one.standing = judge(one.standing, window, usual);
  if (one.standing.kind === "slower" && window.fromMs - one.standing.sinceMs >= acceptAfterMs) {
    one.standing = USUAL;
    one.baseline.forget();
  }
  const { regression, standing } = one;
  if (standing.kind === "slower" && usual !== undefined) {
    if (window.count > 0) one.regression = regressionOf(one, window, usual, standing.sinceMs);
    if (regression === undefined) tellOf("slower", one.regression!);
  } else if (regression !== undefined) {
    one.regression = undefined;
    tellOf("over", regression);
  }
  one.baseline.learn(window, standing.kind !== "usual");
}

function regressionOf(
  { statement, database }: Kept,
  { totalMs, count }: WindowStats,
  usual: Usual,
  sinceMs: number,
): Regression {
  const meanMs = totalMs / count;
  return { statement, database, sinceMs, usual, meanMs, times: meanMs / usual.meanMs };
}

const keyOf = (statement: string, database: string): string => `${database}\n${statement}`;

function shown(one: Kept, clock: Clock): StatementHistory {
  const { statement, database, windows, baseline, regression } = one;
  const usual = baseline.usual(clock.wallMs());
  return { statement, database, windows: [...windows], usual, regression };
}

const totalOf = ({ windows }: StatementHistory): number =>
  windows.reduce((sum, { totalMs }) => sum + totalMs, 0);
const byTime = (a: StatementHistory, b: StatementHistory): number => totalOf(b) - totalOf(a);

function bounded(name: string, value: unknown, low: number, high: number): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  throw optionInvalid(name, `from ${low} to ${high}`, value);
}
