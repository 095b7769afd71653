/**
 * Telling the other processes of a write before it is acknowledged.
 *
 * Invariants: a worker acknowledges a write once every other living worker has dropped what it made untrue, or after
 * ANSWER_LIMIT_MS; one that hangs or dies delays a write by no more than that.
 */
import type { Invalidation } from "../api/index.ts";
import type { Done, Invalidate } from "./messages.ts";
import { createTickets } from "./tickets.ts";

export const ANSWER_LIMIT_MS = 250;
/** Less than a worker waits, so that one that hangs costs the limit once. */
const RELAY_LIMIT_MS = 200;

type Send = (message: Invalidate | Done) => void;

/** The worker's side. */
export function createTeller(send: Send) {
  const tickets = createTickets();
  return {
    /** Resolves when the others know, or when it has taken too long. */
    async tell(invalidation: Invalidation): Promise<void> {
      const { ticket, answered } = tickets.open(ANSWER_LIMIT_MS);
      send({ kind: "invalidate", ticket, invalidation });
      await answered;
    },
    done: ({ ticket }: Done): void => tickets.answer(ticket),
  };
}

/** The parent's side: passes a message on to the others and answers when they all have. */
export function createRelay() {
  const tickets = createTickets();
  return {
    async pass({ ticket, invalidation }: Invalidate, from: Send, others: readonly Send[]) {
      const answers = others.map((send) => {
        const asked = tickets.open(RELAY_LIMIT_MS);
        send({ kind: "invalidate", ticket: asked.ticket, invalidation });
        return asked.answered;
      });
      await Promise.all(answers);
      from({ kind: "done", ticket });
    },
    done: ({ ticket }: Done): void => tickets.answer(ticket),
  };
}
