/**
 * Whose work a call is, carried through the queues of a pool.
 *
 * Invariants:
 * - Asked at the public call, never in a queued callback: a pool runs those in the context of
 *   whoever gave a connection back.
 * - A ticket is laid down for the synchronous call below only, and taken by the first query of it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { currentTrace, isAdrift, type QueryRecord } from "../../core/trace/index.ts";
import type { Ticket } from "./run.ts";

/** Turned off by the tests that prove the rule is needed: asks inside the queue instead. */
export const carriage: { atPublicCall: boolean } = { atPublicCall: true };

let laidDown: Ticket | undefined;

export function newTicket(record?: QueryRecord): Ticket {
  const trace = currentTrace();
  return { trace, adrift: trace === undefined && isAdrift(), record, wait: undefined };
}

/**
 * The first query that is made synchronously from here on is the ticket's. Gives what lay there
 * before: to be laid down again (`finally`) when the call below has returned.
 */
export function layDown(ticket: Ticket | undefined): Ticket | undefined {
  const before = laidDown;
  laidDown = ticket;
  return before;
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
