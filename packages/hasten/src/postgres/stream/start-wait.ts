/**
 * What the slot came too late for: transactions whose commit may be in the WAL before the point from
 * which the slot tells commits, and that readers do not see yet.
 *
 * Invariants:
 * - All of those are among the transactions that run, with ids below one that began and ended after
 *   the slot was made: only then a snapshot names every one of them.
 * - Each is waited for until it has ended, or until its commit was read; but not for longer than
 *   GRACE_MS, since one that idles may do so for ever.
 * - One that is left then is looked at behind every pulse: once it has ended without its commit
 *   having been read, nothing read before may be trusted any more. That it was rolled back, or
 *   changed nothing, is not asked: it costs one refill.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import { hasEnded, type Snapshot } from "./snapshot.ts";

const TOLD_MAX = 8;
const GRACE_MS = 1_000;
const XIDS = 2 ** 32;

export class StartWait {
  readonly #done = Promise.withResolvers<boolean>();
  readonly #clock: Clock;
  readonly #onWait: (xids: readonly string[]) => void;
  #below: number | undefined;
  /** 64-bit ids. */
  #running: Set<number> | undefined;
  #grace: Timer | undefined;
  #over = false;

  constructor(clock: Clock, onWait: (xids: readonly string[]) => void) {
    this.#clock = clock;
    this.#onWait = onWait;
  }

  get ended(): Promise<boolean> {
    return this.#done.promise;
  }

  /** `below`: the 64-bit id of a transaction that began after the slot was made, and has ended. */
  begin(below: number): void {
    this.#below = below;
  }

  /** True: something is waited for. */
  see(snapshot: Snapshot): boolean {
    if (this.#over) return false;
    const below = this.#below;
    if (below === undefined || snapshot.xmax <= below) return true;
    if (this.#running === undefined) {
      this.#running = new Set([...snapshot.running].filter((xid) => xid < below));
      this.#grace = this.#clock.schedule(GRACE_MS, () => this.#finish(true));
    }
    for (const xid of this.#running) if (hasEnded(snapshot, xid % XIDS)) this.#running.delete(xid);
    const oldest = [...this.#running].sort((one, other) => one - other).slice(0, TOLD_MAX);
    this.#onWait(oldest.map(String));
    if (this.#running.size > 0) return true;
    this.#finish(true);
    return false;
  }

  /** The stream holds it: it is waited for as any other change is. */
  committed(xid: number): void {
    if (this.#running === undefined) return;
    for (const full of this.#running) if (full % XIDS === xid) this.#running.delete(full);
  }

  /**
   * A pulse whose statement took this snapshot is back. True: one that was left has ended, and its
   * commit is not in the stream.
   */
  passed(snapshot: Snapshot): boolean {
    if (!this.#over || this.#running === undefined) return false;
    const before = this.#running.size;
    for (const xid of this.#running) if (hasEnded(snapshot, xid % XIDS)) this.#running.delete(xid);
    return this.#running.size < before;
  }

  fail(): void {
    this.#finish(false);
  }

  #finish(ok: boolean): void {
    this.#over = true;
    this.#grace?.cancel();
    this.#done.resolve(ok);
  }
}
