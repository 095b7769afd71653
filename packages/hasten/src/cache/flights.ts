import { Chain } from "../core/chain.ts";
import type { Timer } from "../core/clock.ts";
import { inTrace } from "../core/trace/index.ts";
import { loadAbandoned, loadsBusy } from "./errors.ts";
import { Flight } from "./flight.ts";
import { failed, type Landing, loaded, type Weighed, weigh } from "./landing.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import { GIVEN_UP, openFill, openTrace, settled } from "./tracking.ts";
import { approach, travels } from "./two-tier/approach.ts";
import { deliver } from "./two-tier/delivery.ts";
import type { LoadContext } from "./types.ts";

/** The loads that run now: which can be joined, and which ran too long. */
export interface Flights {
  /** The flight a caller that asks now may share. `current`: begun after every invalidation. */
  joinable(key: string, current: boolean): Flight | undefined;
  start(request: LoadRequest): Flight;
  /** In the order in which they began, or began to load. */
  readonly running: Pick<Chain<Flight>, "size" | "oldest">;
  abandon(why: string): void;
  stop(): void;
}

const SWEEPS_PER_LOAD_MAX = 4;

export function createFlights(parts: LoadParts): Flights {
  const { options, fence, counters, rules, gate } = parts;
  const { clock, loadMaxMs } = options;
  const joinables = new Map<string, Flight>();
  const running = new Chain<Flight>();
  let watch: Timer | undefined;

  /** One timer for all flights, and only while there are some. */
  const keepWatch = (): void => {
    if (watch !== undefined || running.size === 0) return;
    watch = clock.schedule(Math.max(1, loadMaxMs / SWEEPS_PER_LOAD_MAX), () => {
      watch = undefined;
      abandonBegunBy(clock.nowMs() - loadMaxMs, `it took longer than ${loadMaxMs} ms`);
      keepWatch();
    });
  };
  const list = (flight: Flight): void => {
    const sealed = joinables.get(flight.key);
    if (sealed !== undefined) sealed.listed = false;
    flight.listed = true;
    joinables.set(flight.key, flight);
  };
  /** Its time counts from now. */
  const restart = (flight: Flight): void => {
    running.remove(flight);
    flight.startedMs = clock.nowMs();
    running.push(flight);
  };
  const end = (flight: Flight, landing: Landing): void => {
    running.remove(flight);
    if (flight.listed) joinables.delete(flight.key);
    fence.end(flight.fill);
    gate?.leave(flight.turn);
    answer(flight, landing);
    flight.land(landing);
  };
  /** Tells the caller whose load it was, once. */
  const answer = (flight: Flight, landing: Landing): void => {
    if (flight.answered !== undefined) return;
    tellTrace(flight, landing);
    flight.answer(landing);
  };
  /** A load that is not tracked ran in its leader's own trace, which saw what it read. */
  const tellTrace = ({ leader, trace, found }: Flight, { used }: Landing): void => {
    if (leader.trace === undefined || leader.gone || leader.background) return;
    if (trace !== undefined || found) rules.include(leader.trace, used);
  };
  const abandonBegunBy = (limitMs: number, why: string): void => {
    for (let one = running.oldest; one !== undefined && one.startedMs <= limitMs; ) {
      const flight = one;
      one = one._newer;
      if (flight.landing !== undefined) continue;
      if (limitMs !== Number.POSITIVE_INFINITY && flight.outwait()) {
        restart(flight);
        continue;
      }
      const error = loadAbandoned(flight.key, why);
      (flight.trace ?? flight.leader.trace)?.untracked(GIVEN_UP);
      flight.notes.abort(error);
      end(flight, failed(parts, flight, { errorTtlMs: 0, tags: [] }, error));
    }
  };
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
  const flyFar = async (flight: Flight): Promise<void> => {
    const bearing = await approach(parts, flight, gate === undefined ? undefined : inTurn);
    if (bearing.kind === "over") return;
    if (bearing.kind === "found") {
      flight.found = true;
      end(flight, bearing.landing);
      return;
    }
    await fly(flight, async (value) => {
      const weighed: Weighed = weigh(parts, flight, flight.wanted, value);
      await deliver(parts, { flight, weighed, bearing, answer, end });
    });
    bearing.lease?.release();
  };

  return {
    running,
    joinable(key, current) {
      const flight = joinables.get(key);
      if (flight === undefined || rules.sealed(fence, flight.fill)) return undefined;
      if (flight.phase === "filling" && rules.tier.seals) return undefined;
      return current && flight.fill.seq < fence.seq ? undefined : flight;
    },
    start(request) {
      const { key } = request;
      const full = fence.openFills >= options.fillsMax;
      const trace = openTrace(options);
      const fill = full ? fence.spent(key) : openFill(parts, key, trace);
      fill.tags = request.options.tags;
      if (full) counters.bypassed += 1;
      const far = !full && travels(parts, request);
      const phase = far || gate !== undefined ? "approach" : "loading";
      const startedMs = clock.nowMs();
      const flight = new Flight(request, { fill, trace, startedMs, far, phase });
      if (!full) list(flight);
      running.push(flight);
      keepWatch();
      if (far) void flyFar(flight);
      else if (gate !== undefined) void flyInTurn(flight);
      else void flyAlone(flight);
      return flight;
    },
    stop: () => watch?.cancel(),
    abandon: (why) => abandonBegunBy(Number.POSITIVE_INFINITY, why),
  };
}

const NOT_REMEMBERED = { errorTtlMs: 0, tags: [] };
