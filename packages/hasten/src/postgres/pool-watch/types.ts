import type { HistogramDistribution } from "../../core/histogram.ts";
import type { CallSite } from "../../core/trace/index.ts";
import type { SizeHint } from "./size-hint.ts";

/**
 * `query`: taken and given back by one call of a pool, `pool.query`. `held`: the program has it until it
 * gives it back. `either`: the library above takes one for each statement and for each transaction.
 */
export type CheckoutKind = "query" | "held" | "either";

/** A connection that is out of its pool. */
export interface CheckoutReport {
  /** Counted from 1 in its pool. */
  readonly id: number;
  readonly kind: CheckoutKind;
  /** Since it was handed out. */
  readonly ageMs: number;
  /** How long its taker waited for it. */
  readonly waitMs: number;
  /** When it was handed out, in milliseconds since 1970. */
  readonly takenWallMs: number;
  /** The line of the application that took it; undefined where no stack was taken or none leads there. */
  readonly site: CallSite | undefined;
  /** The lines of the application that led there, innermost first; at most 8. */
  readonly stack: readonly CallSite[];
  readonly doing: "statement" | "idle in transaction" | "idle" | "unknown";
  /** The statement it sent last, without its data. */
  readonly statement: string | undefined;
  /** Process id of its session on the server; behind a transaction pooler a number that means nothing. */
  readonly pid: number | undefined;
  /** The request or job that took it, where it has a name. */
  readonly trace: string | undefined;
}

interface PoolEventBase {
  /** Name of the watch. */
  readonly pool: string;
}

/**
 * A checkout that is conspicuous. `held-long`: it passed `warnMs`. `leak`: it passed `leakMs`; told once.
 * `leak-returned`: one that was told as a leak came back. `leak-destroyed`: its connection was taken from
 * it (`destroyAfterMs`). `query-long`: a statement of its own passed `longQueryMs`.
 */
export interface CheckoutEvent extends PoolEventBase {
  readonly kind: "held-long" | "leak" | "leak-returned" | "leak-destroyed" | "query-long";
  readonly checkout: CheckoutReport;
}

/** Callers wait for a connection: one event when the first one does, one when nobody has for a second. */
export interface WaitingEvent extends PoolEventBase {
  readonly kind: "waiting-began" | "waiting-ended";
  /** When it began, in milliseconds since 1970. */
  readonly sinceWallMs: number;
  /** Until the last of them waited no more; 0 when it begins. */
  readonly durationMs: number;
  /** Most that waited at one time. */
  readonly depthMax: number;
}

/** A caller that got no connection. */
export interface RefusedEvent extends PoolEventBase {
  readonly kind: "acquire-timeout" | "acquire-failed" | "shed";
  readonly waitMs: number;
  /** Without host, user or password. */
  readonly because: string;
}

/**
 * A connection that was given back in a state that its next user should not find. `destroyed`: it was
 * closed instead of handed out again.
 */
export interface ReturnedEvent extends PoolEventBase {
  readonly kind: "returned-busy" | "returned-in-transaction";
  readonly destroyed: boolean;
  readonly checkout: CheckoutReport;
}

/** Payload of the channel `hasten:postgres:pool-watch` and of `onEvent`. Never holds a value. */
export type PoolWatchEvent = CheckoutEvent | WaitingEvent | RefusedEvent | ReturnedEvent;

/** The state of a pool at one moment. */
export interface PoolCounts {
  readonly total: number;
  readonly idle: number;
  readonly active: number;
  /** Callers that wait because every connection is in use. */
  readonly waiting: number;
  readonly min: number;
  readonly max: number;
}

/** What is known of a pool. */
export interface PoolReport extends PoolCounts {
  readonly pool: string;
  readonly kind: PoolKind;
  readonly atWallMs: number;
  /** active / max, now. */
  readonly utilisation: number;
  /** The same, weighted by time over the last `windowMs`. */
  readonly utilisationMean: number;
  /** What it should stay below. */
  readonly utilisationTarget: number;
  readonly windowMs: number;
  /** The oldest checkout that is out. */
  readonly oldest: CheckoutReport | undefined;
  /** Since it is watched. */
  readonly acquired: number;
  readonly timeouts: number;
  readonly failed: number;
  readonly shed: number;
  readonly opened: number;
  readonly closed: number;
  readonly leaks: number;
  /** Leaks that are still out. */
  readonly leaksOut: number;
  readonly returnedBusy: number;
  readonly returnedInTransaction: number;
  /** Times that somebody had to wait. */
  readonly waitings: number;
  readonly openedPerMinute: number;
  readonly closedPerMinute: number;
  /** From asking for a connection to having one; those that got none are not in it. */
  readonly wait: HistogramDistribution;
  /** From having one to giving it back. */
  readonly hold: HistogramDistribution;
  readonly size: SizeHint;
}

export type PoolKind = "pg-pool" | "sequelize-pool" | "tarn";

/** One pool that is watched. */
export interface WatchedPool {
  readonly name: string;
  readonly kind: PoolKind;
  report(): PoolReport;
  /** Connections that are out, oldest first. */
  checkouts(): readonly CheckoutReport[];
}

export interface PoolWatch extends WatchedPool {
  /** Itself; of a Sequelize with replicas the pool that writes, then the one that reads. */
  readonly pools: readonly WatchedPool[];
  /** Leaves the pool as it was found, when everybody who watches it has called it. */
  close(): void;
}
