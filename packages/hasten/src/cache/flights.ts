import { Chain } from "../core/chain.ts";
import type { Timer } from "../core/clock.ts";
import { loadAbandoned } from "./errors.ts";
import { Flight } from "./flight.ts";
import { failed, type Landing } from "./landing.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import type { ResolvedOptions } from "./options.ts";
import { createPilot } from "./piloting.ts";
import { GIVEN_UP, openFill, openTrace } from "./tracking.ts";
import { travels } from "./two-tier/approach.ts";

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
  const watch = createWatch(options, () => {
    abandonBegunBy(clock.nowMs() - loadMaxMs, `it took longer than ${loadMaxMs} ms`);
    return running.size > 0;
  });
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
    tellTrace(parts, flight, landing);
    flight.answer(landing);
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
  const fly = createPilot(parts, { restart, answer, end });

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
      watch.keep();
      fly(flight);
      return flight;
    },
    stop: watch.stop,
    abandon: (why) => abandonBegunBy(Number.POSITIVE_INFINITY, why),
  };
}

/** A load that is not tracked ran in its leader's own trace, which saw what it read. */
function tellTrace(
  { rules }: LoadParts,
  { leader, trace, found }: Flight,
  { used }: Landing,
): void {
  if (leader.trace === undefined || leader.gone || leader.background) return;
  if (trace !== undefined || found) rules.include(leader.trace, used);
}

/** One timer for all flights, and only while there are some. */
function createWatch(
  { clock, loadMaxMs }: ResolvedOptions,
  sweep: () => boolean,
): { keep(): void; stop(): void } {
  let timer: Timer | undefined;
  const keep = (): void => {
    timer ??= clock.schedule(Math.max(1, loadMaxMs / SWEEPS_PER_LOAD_MAX), () => {
      timer = undefined;
      if (sweep()) keep();
    });
  };
  return { keep, stop: () => timer?.cancel() };
}
