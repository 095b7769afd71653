/**
 * Loads, one per key at a time.
 *
 * Invariants:
 * - A flight opens its fill before its load starts. At most one joinable flight per key; another
 *   one starts only when the first was sealed by an invalidation.
 * - A sealed flight is not joined, and what it brings is not stored. Tags may be learnt from the
 *   result: who joined after an invalidation of such a tag does not get the result and asks again.
 *   The check is conservative: if the flight turns out void, everyone asks again who joined after
 *   any invalidation since its start.
 * - Who asks again shares only flights that began after the last invalidation, so that it is not
 *   sent back for an invalidation before its second try.
 * - Where changes are learnt from a source, who joined gets what the flight brought only if it is
 *   not void and its sources confirm it when it lands: they may have been silent since before the
 *   joiner asked, and tell of a change after it happened. Who was sent back once joined nothing
 *   that began before it asked, and gets what comes.
 * - When a load fails its caller gets the error, and the first waiter to wake leads the next
 *   flight; the others join that one. After `handoversMax` failures seen, or once the cache gives
 *   up its loads, waiters get the error.
 * - A flight ends once: landed, or abandoned after `loadMaxMs`; its late result is dropped.
 */
import type { Flight } from "./flight.ts";
import { createFlights } from "./flights.ts";
import { another } from "./landing.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import { isFresh } from "./standing.ts";
import { inBackground } from "./tracking.ts";

export interface Loads {
  /** The value, from a flight that is safe for a caller that asks now. */
  obtain(request: LoadRequest): Promise<unknown>;
  /** Starts a flight unless one can be joined; errors are counted only. */
  refresh(request: LoadRequest): void;
  readonly running: number;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  /** Gives up everything that runs, for good: nobody takes over. */
  abandon(why: string): void;
  /** Cancels the timer that watches running loads; to be called when none will start. */
  stop(): void;
}

export function createLoads(parts: LoadParts): Loads {
  const { options, fence, shelf, counters, rules } = parts;
  const flights = createFlights(parts);
  let givenUp = false;

  const obtain = (request: LoadRequest): Promise<unknown> => {
    const flight = flights.joinable(request.key, request.current);
    if (flight === undefined) return flights.start(request).outcome();
    counters.coalesced += 1;
    request.joinedSeq = fence.seq;
    request.onDelay?.();
    if (request.nested) parts.gate?.hurry(flight.turn);
    const { stale } = flight;
    // What it found may have been deleted since, by a tag that the flight does not know.
    if (stale !== undefined && request.stale === undefined)
      if (!fence.isVoid(flight.fill, stale.tags)) request.offer(stale);
    return flight.join(request, wake);
  };

  /** What a waiter gets when its flight has ended; called in the order in which they joined. */
  const wake = (flight: Flight, request: LoadRequest): unknown => {
    const landing = flight.landing!;
    if (landing.kind === "loaded") {
      if (request.gone) return undefined;
      if (rules.shares(landing, flight.fill, request)) {
        if (request.trace !== undefined) rules.include(request.trace, landing.used);
        return another(landing);
      }
      request.current = true;
    } else {
      if (request.failures >= options.handoversMax || request.gone || givenUp) {
        if (request.trace !== undefined && !request.gone)
          rules.include(request.trace, landing.used);
        throw landing.error;
      }
      request.failures += 1;
    }
    request.again = true;
    const entry = shelf.find(request.key);
    if (entry !== undefined && !entry.failure && isFresh(parts, entry)) {
      shelf.memory.touch(entry);
      if (request.trace !== undefined) rules.include(request.trace, entry);
      return entry.value;
    }
    return obtain(request);
  };

  return {
    obtain,
    refresh(request) {
      if (flights.joinable(request.key, false) !== undefined) return;
      request.background = true;
      inBackground(() => flights.start(request));
    },
    get running() {
      return flights.running.size;
    },
    async idle() {
      for (let one = flights.running.oldest; one !== undefined; one = flights.running.oldest)
        await one.ended().catch(() => undefined);
    },
    abandon(why) {
      givenUp = true;
      flights.abandon(why);
    },
    stop: flights.stop,
  };
}
