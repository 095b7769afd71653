/** How a flight goes, from its start to its landing. */
import { inTrace } from "../core/trace/index.ts";
import { loadsBusy } from "./errors.ts";
import type { Flight } from "./flight.ts";
import { failed, type Landing, loaded, weigh } from "./landing.ts";
import type { LoadParts } from "./load-parts.ts";
import { settled } from "./tracking.ts";
import { approach, lookFirst, type Sight } from "./two-tier/approach.ts";
import { deliver } from "./two-tier/delivery.ts";
import type { LoadContext } from "./types.ts";

/** What watches over all flights. */
export interface Tower {
  /** Its time counts from now. */
  restart(flight: Flight): void;
  /** Tells the caller whose load it was, once. */
  answer(flight: Flight, landing: Landing): void;
  end(flight: Flight, landing: Landing): void;
}

/** Starts flights. A load that waits for nobody starts within the call. */
export function createPilot(
  parts: LoadParts,
  { restart, answer, end }: Tower,
): (flight: Flight) => void {
  const { counters, gate, options } = parts;
  const { clock } = options;

  /** The load itself. Its caller's context is that of the flight's start. */
  const run = (flight: Flight): unknown => {
    const { trace } = flight;
    const { load } = flight.leader;
    const context = flight.notes as unknown as LoadContext<never>;
    counters.loads += 1;
    if (flight.phase !== "loading") restart(flight);
    flight.phase = "loading";
    const work = (): unknown =>
      // Within it also where a query builder is sent only when it is awaited.
      trace === undefined ? load(context) : inTrace(trace, async () => load(context));
    return gate === undefined ? work() : gate.run(work);
  };
  const fly = async (
    flight: Flight,
    bring: (value: unknown) => void | Promise<void>,
  ): Promise<void> => {
    const { trace } = flight;
    try {
      const value = await run(flight);
      if (trace !== undefined && trace.pending > 0) await settled(trace, clock);
      gate?.leave(flight.turn);
      if (flight.landing === undefined) await bring(value);
    } catch (error) {
      if (trace !== undefined && trace.pending > 0) await settled(trace, clock);
      if (flight.landing === undefined) end(flight, failed(parts, flight, flight.wanted, error));
    }
  };
  const flyAlone = (flight: Flight): Promise<void> =>
    fly(flight, (value) => end(flight, loaded(parts, flight, flight.wanted, value)));
  const inTurn = async (flight: Flight): Promise<boolean> => {
    const admitted = gate!.enter(flight.turn);
    if (admitted !== true) flight.delayed();
    if (admitted === true || (await admitted)) return flight.landing === undefined;
    if (flight.landing === undefined)
      end(flight, failed(parts, flight, NOT_REMEMBERED, loadsBusy(flight.key, options.fillsMax)));
    return false;
  };
  const flyInTurn = async (flight: Flight): Promise<void> => {
    if (await inTurn(flight)) await flyAlone(flight);
  };
  const landFound = (flight: Flight, landing: Landing): void => {
    flight.found = true;
    end(flight, landing);
  };
  /** What is thrown on the way is its caller's, and the flight ends: nobody waits for ever. */
  const flyFar = (flight: Flight, sight: Sight): Promise<void> =>
    flyThere(flight, sight).catch((error: unknown) => {
      if (flight.landing === undefined) end(flight, failed(parts, flight, flight.wanted, error));
    });
  const flyThere = async (flight: Flight, sight: Sight): Promise<void> => {
    const bearing = await approach(parts, flight, gate === undefined ? undefined : inTurn, sight);
    if (bearing.kind === "over") return;
    if (bearing.kind === "found") {
      landFound(flight, bearing.landing);
      return;
    }
    await fly(flight, async (value) => {
      const weighed = weigh(parts, flight, flight.wanted, value);
      await deliver(parts, { flight, weighed, bearing, answer, end });
    });
    bearing.lease?.release();
  };

  return (flight) => {
    if (flight.far) lookFirst(parts, flight, landFound, flyFar);
    else if (gate !== undefined) void flyInTurn(flight);
    else void flyAlone(flight);
  };
}

const NOT_REMEMBERED = { errorTtlMs: 0, tags: [] };
