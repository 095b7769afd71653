import type { Timer } from "../core/clock.ts";
import { loadAbandoned } from "./errors.ts";
import { failed, type Landed, type Landing, loaded } from "./landing.ts";
import { LoadNotes } from "./load-context.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import type { LoadContext } from "./types.ts";

/** One run of one load. */
export interface Flight extends Landed {
  readonly landing: Promise<Landing>;
  readonly land: (landing: Landing) => void;
  ended: boolean;
}

/** The loads that run now: which can be joined, and which ran too long. */
export interface Flights {
  /** The flight a caller that asks now may share. `current`: begun after every invalidation. */
  joinable(key: string, current: boolean): Flight | undefined;
  start(request: LoadRequest): Flight;
  readonly running: ReadonlySet<Flight>;
  abandon(why: string): void;
  stop(): void;
}

const SWEEPS_PER_LOAD_MAX = 4;

export function createFlights(parts: LoadParts): Flights {
  const { options, fence, counters, rules } = parts;
  const { clock, loadMaxMs } = options;
  const joinables = new Map<string, Flight>();
  const running = new Set<Flight>();
  let watch: Timer | undefined;

  /** One timer for all flights, and only while there are some. */
  const keepWatch = (): void => {
    if (watch !== undefined || running.size === 0) return;
    watch = clock.schedule(Math.max(1, loadMaxMs / SWEEPS_PER_LOAD_MAX), () => {
      watch = undefined;
      const limitMs = clock.nowMs() - loadMaxMs;
      for (const flight of running) {
        if (flight.startedMs > limitMs) break;
        abandon(flight, `it took longer than ${loadMaxMs} ms`);
      }
      keepWatch();
    });
  };
  const end = (flight: Flight, landing: Landing): void => {
    flight.ended = true;
    running.delete(flight);
    if (joinables.get(flight.key) === flight) joinables.delete(flight.key);
    fence.end(flight.fill);
    flight.land(landing);
  };
  const abandon = (flight: Flight, why: string): void => {
    const error = loadAbandoned(flight.key, why);
    flight.notes.abort(error);
    end(flight, failed(parts, flight, { errorTtlMs: 0, tags: [] }, error));
  };
  const fly = async (flight: Flight, { load, options: wanted }: LoadRequest): Promise<void> => {
    try {
      const value = await load(flight.notes as unknown as LoadContext<never>);
      if (!flight.ended) end(flight, loaded(parts, flight, wanted, value));
    } catch (error) {
      if (!flight.ended) end(flight, failed(parts, flight, wanted, error));
    }
  };

  return {
    running,
    joinable(key, current) {
      const flight = joinables.get(key);
      if (flight === undefined || rules.sealed(fence, flight.fill)) return undefined;
      return current && flight.fill.seq !== fence.seq ? undefined : flight;
    },
    start(request) {
      const { key } = request;
      const full = fence.openFills >= options.fillsMax;
      const fill = full ? fence.spent(key) : fence.begin(key, request.options.tags);
      if (full) counters.bypassed += 1;
      const { promise, resolve } = Promise.withResolvers<Landing>();
      const notes = new LoadNotes(key, request.stale, fill);
      const startedMs = clock.nowMs();
      const flight = { key, fill, notes, startedMs, landing: promise, land: resolve, ended: false };
      if (!full) joinables.set(key, flight);
      running.add(flight);
      keepWatch();
      counters.loads += 1;
      void fly(flight, request);
      return flight;
    },
    stop: () => watch?.cancel(),
    abandon(why) {
      for (const flight of running) abandon(flight, why);
    },
  };
}
