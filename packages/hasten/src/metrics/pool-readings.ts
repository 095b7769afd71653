/**
 * What monitors are told of connection pools, once for every kind of monitor.
 *
 * Invariants: pools are handed in by what they look like (`watchPool`, `db.poolWatch` of hasten/postgres);
 * labels are the pool's name and the state of its connections, never statements or lines of code.
 */
import type { HistogramDistribution } from "../core/histogram.ts";

/** What is asked of a report of a pool. */
export interface PoolFigures {
  readonly pool: string;
  readonly active: number;
  readonly idle: number;
  readonly max: number;
  readonly waiting: number;
  readonly utilisationMean: number;
  readonly acquired: number;
  readonly timeouts: number;
  readonly failed: number;
  readonly shed: number;
  readonly opened: number;
  readonly closed: number;
  readonly leaks: number;
  readonly leaksOut: number;
  readonly wait: HistogramDistribution;
  readonly hold: HistogramDistribution;
  readonly size: { readonly size: number };
}

/** Something that reports of a pool. */
export interface PoolSource {
  report(): PoolFigures;
}

/** Pools to be told about: a list, or a function where they come and go. */
export type Pools = readonly PoolSource[] | (() => readonly PoolSource[]);

/** More would make as many time series; the first ones are told. */
export const POOLS_MAX = 100;

export interface PoolNumber {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  readonly of: (
    figures: PoolFigures,
  ) => readonly { readonly state?: string; readonly value: number }[];
}

const number = (
  kind: PoolNumber["kind"],
  name: string,
  help: string,
  of: (figures: PoolFigures) => number,
): PoolNumber => ({ kind, name, help, of: (figures) => [{ value: of(figures) }] });

export const POOL_NUMBERS: readonly PoolNumber[] = [
  {
    kind: "gauge",
    name: "pool_clients",
    help: "Connections, in use or idle.",
    of: ({ active, idle }) => [
      { state: "active", value: active },
      { state: "idle", value: idle },
    ],
  },
  number("gauge", "pool_clients_max", "Connections that may be open.", ({ max }) => max),
  number("gauge", "pool_waiting", "Callers that wait: all are in use.", (it) => it.waiting),
  number(
    "gauge",
    "pool_utilisation",
    "Share in use over the last minute, weighted by time.",
    (it) => it.utilisationMean,
  ),
  number("gauge", "pool_leaks_out", "Leaked checkouts that are out.", (it) => it.leaksOut),
  number("gauge", "pool_size_hint", "Connections that would do.", ({ size }) => size.size),
  number("counter", "pool_acquired", "Connections handed out.", (it) => it.acquired),
  number("counter", "pool_acquire_timeouts", "Waits that were too long.", (it) => it.timeouts),
  number("counter", "pool_acquire_failures", "Callers that got an error.", (it) => it.failed),
  number("counter", "pool_shed", "Callers refused: too many waited.", (it) => it.shed),
  number("counter", "pool_opened", "Connections opened.", (it) => it.opened),
  number("counter", "pool_closed", "Connections closed.", (it) => it.closed),
  number("counter", "pool_leaks", "Checkouts told as leaks.", (it) => it.leaks),
];

export interface PoolDuration {
  readonly name: string;
  readonly help: string;
  readonly of: (figures: PoolFigures) => HistogramDistribution;
}

export const POOL_DURATIONS: readonly PoolDuration[] = [
  { name: "pool_wait", help: "From asking for a connection to having one.", of: (it) => it.wait },
  { name: "pool_hold", help: "From having one to giving it back.", of: (it) => it.hold },
];

/** The reports of all pools, made once for everything that is asked in one turn; the second `shop` is `shop-2`. */
export function figuresOf(pools: Pools): () => readonly PoolFigures[] {
  let made: readonly PoolFigures[] | undefined;
  return () => {
    if (made !== undefined) return made;
    const named = new Map<string, PoolFigures>();
    for (const source of typeof pools === "function" ? pools() : pools) {
      const figures = source.report();
      if (named.size === POOLS_MAX) break;
      const pool = freeName(figures.pool, named);
      named.set(pool, { ...figures, pool });
    }
    made = [...named.values()];
    queueMicrotask(() => {
      made = undefined;
    });
    return made;
  };
}

function freeName(name: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(name)) return name;
  for (let count = 2; ; count++) {
    const next = `${name}-${count}`;
    if (!taken.has(next)) return next;
  }
}
