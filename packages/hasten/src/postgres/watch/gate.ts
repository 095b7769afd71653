/**
 * Where statements of one client wait until they are understood: a text that is seen for the first
 * time inside a trace is sent once what it reads is known to depend on, so that no change of the
 * schema falls between the two.
 *
 * Invariants:
 * - Statements pass in the order in which they were called, each once.
 * - None waits longer than HOLD_MS for its own analysis; it goes then as it would have without.
 * - Who answers late is not waited for again for a while: an analyser that hangs slows nothing down.
 */
import type { Clock } from "../../core/clock.ts";
import type { Run } from "./run.ts";

const HOLD_MS = 250;
const REST_MS = 5_000;

/** Shared by everything that is watched together: how the analyser answers. */
export class Patience {
  readonly clock: Clock;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  isUp(): boolean {
    return this.clock.nowMs() < this.#restsUntilMs;
  }

  wasLate(): void {
    this.#restsUntilMs = this.clock.nowMs() + REST_MS;
  }
}

interface Waiting {
  readonly run: Run;
  readonly send: () => void;
}

export class Gate {
  readonly #patience: Patience;
  /** What came after one that waits; undefined while the gate is open. */
  #queue: Waiting[] | undefined;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  get isOpen(): boolean {
    return this.#queue === undefined;
  }

  /** Whether it has to wait: then `send` is called later. */
  holds(run: Run, mayWait: boolean, send: () => void): boolean {
    if (this.#queue !== undefined) {
      this.#queue.push({ run, send });
      return true;
    }
    if (!mayWait || !this.#isNew(run)) return false;
    this.#queue = [];
    this.#hold({ run, send });
    return true;
  }

  #isNew({ trace, analysis, pending }: Run): boolean {
    return (
      analysis === undefined &&
      trace !== undefined &&
      pending !== undefined &&
      !this.#patience.isUp()
    );
  }

  #hold({ run, send }: Waiting): void {
    let over = false;
    const go = (): void => {
      over = true;
      timer.cancel();
      send();
      this.#next();
    };
    const timer = this.#patience.clock.schedule(HOLD_MS, () => {
      if (over) return;
      this.#patience.wasLate();
      go();
    });
    void run.pending?.then((analysis) => {
      if (over) return;
      run.analysis = analysis;
      run.late = false;
      go();
    });
  }

  #next(): void {
    for (let next = this.#queue?.shift(); next !== undefined; next = this.#queue?.shift()) {
      if (this.#isNew(next.run)) {
        this.#hold(next);
        return;
      }
      next.send();
    }
    this.#queue = undefined;
  }
}
