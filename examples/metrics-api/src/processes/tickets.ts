/**
 * Waiting for answers that may not come.
 *
 * Invariants: a wait ends when it is answered or after its limit, whichever is first; at most WAITS_MAX are open,
 * more end at once; an answer nobody waits for is ignored.
 */
export interface Tickets {
  /** A ticket for the question, and a promise that resolves true when it was answered in time. */
  open(limitMs: number): { readonly ticket: number; readonly answered: Promise<boolean> };
  answer(ticket: number): void;
}

export const WAITS_MAX = 10_000;

export function createTickets(waitsMax: number = WAITS_MAX): Tickets {
  const waits = new Map<number, (answered: boolean) => void>();
  let last = 0;
  return {
    open(limitMs) {
      const ticket = ++last;
      if (waits.size >= waitsMax) return { ticket, answered: Promise.resolve(false) };
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const end = (answered: boolean): void => {
        clearTimeout(timer);
        waits.delete(ticket);
        resolve(answered);
      };
      const timer = setTimeout(end, limitMs, false);
      waits.set(ticket, end);
      return { ticket, answered: promise };
    },
    answer: (ticket) => waits.get(ticket)?.(true),
  };
}
