/**
 * How many loads of one cache run at once.
 *
 * Invariants:
 * - At most `loadsMax` loads hold a place; the others wait in the order in which they came.
 * - A load that somebody's load waits for does not wait: whoever holds a place would wait for a
 *   place. It runs beside the count; also one that waited when such a caller joined it.
 * - At most `waitingMax` wait; what comes then is told so. Every place is given back once.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { Chain, type Linked } from "../core/chain.ts";

type State = "outside" | "waiting" | "inside" | "beside" | "over";

/** One load's place. */
export class Turn implements Linked<Turn> {
  state: State = "outside";
  /** A load waits for it. */
  nested: boolean;
  admit: ((admitted: boolean) => void) | undefined = undefined;
  _older: Turn | undefined = undefined;
  _newer: Turn | undefined = undefined;

  constructor(nested: boolean) {
    this.nested = nested;
  }
}

export class LoadGate {
  readonly #loadsMax: number;
  readonly #waitingMax: number;
  readonly #within = new AsyncLocalStorage<true>();
  readonly #waiting = new Chain<Turn>();
  #inside = 0;

  constructor({
    loadsMax,
    waitingMax,
  }: { readonly loadsMax: number; readonly waitingMax: number }) {
    this.#loadsMax = loadsMax;
    this.#waitingMax = waitingMax;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether the code that runs now is part of a load. Asked at the public call. */
  get nested(): boolean {
    return this.#within.getStore() === true;
  }

  /** True when it may run; a promise of that while others do. False: too many wait. */
  enter(turn: Turn): boolean | Promise<boolean> {
    if (turn.nested) turn.state = "beside";
    else if (this.#inside < this.#loadsMax && this.#waiting.size === 0) this.#place(turn);
    else if (this.#waiting.size >= this.#waitingMax) return false;
    else return this.#queue(turn);
    return true;
  }

  /** A load waits for it now. */
  hurry(turn: Turn): void {
    turn.nested = true;
    if (turn.state !== "waiting") return;
    this.#waiting.remove(turn);
    turn.state = "beside";
    turn.admit?.(true);
  }

  /** Gives its place to the next, or ends its wait. May be called again. */
  leave(turn: Turn): void {
    const { state } = turn;
    turn.state = "over";
    if (state === "waiting") {
      this.#waiting.remove(turn);
      turn.admit?.(false);
    }
    if (state !== "inside") return;
    this.#inside -= 1;
    const next = this.#waiting.oldest;
    if (next === undefined) return;
    this.#waiting.remove(next);
    this.#place(next);
    next.admit?.(true);
  }

  run<T>(work: () => T): T {
    return this.#within.run(true, work);
  }

  #place(turn: Turn): void {
    turn.state = "inside";
    this.#inside += 1;
  }

  #queue(turn: Turn): Promise<boolean> {
    turn.state = "waiting";
    this.#waiting.push(turn);
    return new Promise((resolve) => {
      turn.admit = resolve;
    });
  }
}
