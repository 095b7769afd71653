/**
 * Whose work a call is, carried through the queues of a pool.
 *
 * Invariants:
 * - Asked at the public call, never in a queued callback: a pool runs those in the context of
 *   whoever gave a connection back.
 * - A ticket is laid down for the synchronous call below only, and taken by the first query of it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { currentTrace, isAdrift } from "../../core/trace/index.ts";
import type { Ticket } from "./run.ts";

/** Turned off by the tests that prove the rule is needed: asks inside the queue instead. */
export const carriage: { atPublicCall: boolean } = { atPublicCall: true };

let laidDown: Ticket | undefined;

export function newTicket(): Ticket {
  return { trace: currentTrace(), adrift: isAdrift(), wait: undefined };
}

/** Runs `work`; the first query that it makes synchronously is the ticket's. */
export function withTicket<T>(ticket: Ticket | undefined, work: () => T): T {
  const before = laidDown;
  laidDown = ticket;
  try {
    return work();
  } finally {
    laidDown = before;
  }
}

export function seenTicket(): Ticket | undefined {
  return laidDown;
}

export function takenTicket(): Ticket | undefined {
  const ticket = laidDown;
  laidDown = undefined;
  return ticket;
}

/** Calls back in the context of the caller, not of the socket or the queue. */
export function inCallersContext<F extends (...parts: never[]) => unknown>(callback: F): F {
  return carriage.atPublicCall ? (AsyncLocalStorage.bind(callback) as F) : callback;
}
