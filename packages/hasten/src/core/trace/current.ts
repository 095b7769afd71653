import { AsyncLocalStorage } from "node:async_hooks";
import type { QueryLog } from "./query-log.ts";
import type { Trace } from "./trace.ts";

/** Said not to matter to any answer; code without a context may have lost it. */
const APART = Symbol("untraced");

/** What hasten itself sends to keep a cache: no answer is made of it. */
const OWN = Symbol("own traffic");

const storage = new AsyncLocalStorage<Trace | typeof APART | typeof OWN>();
let used = false;

/**
 * The trace of the code that runs now. Ask at the public call, and carry the answer: inside a
 * queue the context is that of whoever runs the queue.
 */
export function currentTrace(): Trace | undefined {
  if (!used) return undefined;
  const store = storage.getStore();
  return typeof store === "symbol" ? undefined : store;
}

/** The statements so far of the request or job that runs now; undefined outside any. */
export function currentQueries(): QueryLog | undefined {
  return currentTrace()?.queries;
}

/**
 * Whether nothing tells whose work the running code is: no trace, and not said to be
 * {@link untraced}. What it reads may be on its way into any answer that is being made.
 */
export function isAdrift(): boolean {
  return used && storage.getStore() === undefined;
}

/** Whether anything has ever run in a trace. */
export function isTracing(): boolean {
  return used;
}

/** Runs `work`, and what it starts, inside the trace. */
export function inTrace<T>(trace: Trace, work: () => T): T {
  used = true;
  return storage.run(trace, work);
}

/** Runs `work` outside any trace: what it reads is said not to matter to the answer. */
export function untraced<T>(work: () => T): T {
  return storage.run(APART, work);
}

/**
 * Runs what hasten sends to keep a cache, on connections that carry nothing else: whoever watches
 * what answers are made of does not look at it.
 */
export function ownTraffic<T>(work: () => T): T {
  return storage.run(OWN, work);
}

/** Whether the code that runs now is said to be nobody's: {@link untraced} or {@link ownTraffic}. */
export function isApart(): boolean {
  return typeof storage.getStore() === "symbol";
}

export function isOwnTraffic(): boolean {
  return storage.getStore() === OWN;
}
