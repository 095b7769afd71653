import { AsyncLocalStorage } from "node:async_hooks";
import type { Trace } from "./trace.ts";

const storage = new AsyncLocalStorage<Trace>();
let used = false;

/**
 * The trace of the code that runs now. Ask at the public call, and carry the answer: inside a
 * queue the context is that of whoever runs the queue.
 */
export function currentTrace(): Trace | undefined {
  return used ? storage.getStore() : undefined;
}

/** Runs `work`, and what it starts, inside the trace. */
export function inTrace<T>(trace: Trace, work: () => T): T {
  used = true;
  return storage.run(trace, work);
}

/** Runs `work` outside any trace: what it reads is said not to matter to the answer. */
export function untraced<T>(work: () => T): T {
  return storage.exit(work);
}
