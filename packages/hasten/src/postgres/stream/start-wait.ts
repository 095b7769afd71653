/** Waits until every transaction that a first snapshot shows as running has ended or was read. */
import type { Snapshot } from "./snapshot.ts";

const TOLD_MAX = 8;

export class StartWait {
  readonly #done = Promise.withResolvers<boolean>();
  readonly #onWait: (xids: readonly string[]) => void;
  /** 64-bit ids. */
  #running: Set<number> | undefined;
  #over = false;

  constructor(onWait: (xids: readonly string[]) => void) {
    this.#onWait = onWait;
  }

  get ended(): Promise<boolean> {
    return this.#done.promise;
  }

  /** The first snapshot must be taken after the slot was made. True: something is still running. */
  see(snapshot: Snapshot): boolean {
    if (this.#over) return false;
    if (this.#running === undefined) this.#running = new Set(snapshot.running);
    else
      for (const xid of this.#running)
        if (xid < snapshot.xmax && !snapshot.running.has(xid)) this.#running.delete(xid);
    return this.#look(this.#running);
  }

  /** The stream holds it: it is waited for as any other change is. */
  committed(xid: number): void {
    if (this.#over || this.#running === undefined) return;
    for (const full of this.#running) if (full % 2 ** 32 === xid) this.#running.delete(full);
  }

  fail(): void {
    this.#over = true;
    this.#done.resolve(false);
  }

  #look(running: ReadonlySet<number>): boolean {
    const oldest = [...running].sort((one, other) => one - other).slice(0, TOLD_MAX);
    this.#onWait(oldest.map(String));
    if (running.size > 0) return true;
    this.#over = true;
    this.#done.resolve(true);
    return false;
  }
}
