/**
 * Requests that wait for another's handler of the same key.
 *
 * Invariants:
 * - A waiter is given the leader's stored response, or is released to run its own handler: never an
 *   empty or a foreign answer.
 * - A released key is marked: for `uncoalescibleMs` nobody waits for it.
 * - Of one key at most `releasedMax` released handlers run at once; the others follow as they end.
 *   More than `waitersMax` of them do not queue: they run.
 * - A waiter waits at most `coalesceWaitMs`. Waiters of one key and marks are bounded.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { ResolvedOptions } from "./options.ts";
import type { StoredResponse } from "./stored-response.ts";

/** How a flight ended for those who waited. */
export type Landing =
  | { readonly kind: "stored"; readonly stored: StoredResponse }
  /** Something it depends on was invalidated: look again. */
  | { readonly kind: "voided" }
  /** The handler failed: a stale response may be served. */
  | { readonly kind: "failed" }
  /** The answer is the leader's own, or took too long. */
  | { readonly kind: "released" };

export type Waiter = (landing: Landing) => void;

export interface Flight {
  readonly key: string;
  /** Ends the flight once. Later calls do nothing. */
  land(landing: Landing): void;
}

export interface Flights {
  /** A handler of this key runs that may be waited for. */
  has(key: string): boolean;
  /** A running flight of this key was joined, or there is none to wait for. */
  join(key: string, waiter: Waiter): boolean;
  /** Starts one that later requests may join; undefined while the key is marked. */
  start(key: string): Flight | undefined;
  /** Nobody joins it from now on. */
  seal(key: string): void;
  /** Runs released handlers within the bound: `run` gets a function to call when its handler ended. */
  release(key: string, run: (ended: () => void) => void): void;
  readonly size: number;
}

const MARKS_MAX = 10_000;

interface Open extends Flight {
  readonly waiters: Set<Waiter>;
  landed: boolean;
}

interface Gate {
  running: number;
  readonly queue: ((ended: () => void) => void)[];
}

type Limits = Pick<
  ResolvedOptions,
  "coalesceWaitMs" | "waitersMax" | "releasedMax" | "uncoalescibleMs"
>;

export function createFlights(limits: Limits, clock: Clock): Flights {
  const open = new Map<string, Open>();
  const marks = new Map<string, number>();
  const gates = new Map<string, Gate>();

  const mark = (key: string): void => {
    if (limits.uncoalescibleMs === 0) return;
    marks.delete(key);
    marks.set(key, clock.nowMs() + limits.uncoalescibleMs);
    if (marks.size > MARKS_MAX) marks.delete(marks.keys().next().value!);
  };
  const marked = (key: string): boolean => {
    const untilMs = marks.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > clock.nowMs()) return true;
    marks.delete(key);
    return false;
  };
  const land = (flight: Open, landing: Landing): void => {
    if (flight.landed) return;
    flight.landed = true;
    if (open.get(flight.key) === flight) open.delete(flight.key);
    if (landing.kind === "released") mark(flight.key);
    else if (landing.kind === "stored") marks.delete(flight.key);
    for (const waiter of flight.waiters) waiter(landing);
    flight.waiters.clear();
  };

  return {
    get size() {
      return open.size;
    },
    has: (key) => open.has(key),
    join(key, waiter) {
      const flight = open.get(key);
      if (flight === undefined || flight.waiters.size >= limits.waitersMax) return false;
      if (limits.coalesceWaitMs === 0) return false;
      flight.waiters.add(waitAtMost(flight, waiter, limits.coalesceWaitMs, clock));
      return true;
    },
    start(key) {
      if (open.has(key) || marked(key)) return undefined;
      const flight: Open = {
        key,
        waiters: new Set(),
        landed: false,
        land: (landing) => land(flight, landing),
      };
      open.set(key, flight);
      return flight;
    },
    seal(key) {
      open.delete(key);
    },
    release: (key, run) => passGate(gates, key, run, limits),
  };
}

function waitAtMost(flight: Open, waiter: Waiter, waitMs: number, clock: Clock): Waiter {
  let timer: Timer | undefined;
  const once: Waiter = (landing) => {
    timer?.cancel();
    flight.waiters.delete(once);
    waiter(landing);
  };
  timer = clock.schedule(waitMs, () => once({ kind: "released" }));
  return once;
}

function passGate(
  gates: Map<string, Gate>,
  key: string,
  run: (ended: () => void) => void,
  limits: Limits,
): void {
  let gate = gates.get(key);
  if (gate === undefined) {
    gate = { running: 0, queue: [] };
    gates.set(key, gate);
  }
  if (gate.running >= limits.releasedMax && gate.queue.length < limits.waitersMax) {
    gate.queue.push(run);
    return;
  }
  start(gates, key, gate, run);
}

function start(
  gates: Map<string, Gate>,
  key: string,
  gate: Gate,
  run: (ended: () => void) => void,
): void {
  gate.running += 1;
  let ended = false;
  run(() => {
    if (ended) return;
    ended = true;
    gate.running -= 1;
    const next = gate.queue.shift();
    if (next !== undefined) start(gates, key, gate, next);
    else if (gate.running === 0) gates.delete(key);
  });
}
