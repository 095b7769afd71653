import { Chain, type Linked } from "../core/chain.ts";
import type { Timer } from "../core/clock.ts";
import { inTrace, type Trace } from "../core/trace/index.ts";
import { loadAbandoned } from "./errors.ts";
import type { Fill } from "./fence.ts";
import { failed, type Landed, type Landing, loaded } from "./landing.ts";
import { LoadNotes } from "./load-context.ts";
import type { ResolvedLoad } from "./load-options.ts";
import type { LoadParts, LoadRequest } from "./load-parts.ts";
import { GIVEN_UP, openFill, openTrace, settled } from "./tracking.ts";
import type { LoadContext } from "./types.ts";

/** What a waiter makes of the flight it joined, once that has landed. */
export type Wake = (flight: Flight, request: LoadRequest) => unknown;

/**
 * One run of one load, and who waits for it. A waiter costs one continuation of the flight's
 * promise: continuations run in the order in which they were added, so that the waiters' chain
 * tells each whose turn it is.
 */
export class Flight implements Landed, Linked<Flight> {
  readonly key: string;
  readonly fill: Fill;
  /** Its load reads in it; undefined where nobody looks. */
  readonly trace: Trace | undefined;
  readonly leader: LoadRequest;
  readonly wanted: ResolvedLoad;
  readonly notes: LoadNotes;
  readonly startedMs: number;
  /** It is the one that callers of its key look at. */
  listed = false;
  /** Set once, when it ends. */
  landing: Landing | undefined = undefined;
  _older: Flight | undefined = undefined;
  _newer: Flight | undefined = undefined;
  #outcome: PromiseWithResolvers<unknown> | undefined = undefined;
  #wake: (() => unknown) | undefined = undefined;
  #waiters: Chain<LoadRequest> | undefined = undefined;

  constructor(
    request: LoadRequest,
    { fill, trace, startedMs }: Pick<Flight, "fill" | "trace" | "startedMs">,
  ) {
    this.key = request.key;
    this.fill = fill;
    this.trace = trace;
    this.leader = request;
    this.wanted = request.options;
    this.notes = new LoadNotes(request.key, request.stale, { fill, trace });
    this.startedMs = startedMs;
  }

  /** What its own caller gets. Made on demand: nobody may wait for a refresh. */
  outcome(): Promise<unknown> {
    if (this.#outcome === undefined) {
      this.#outcome = Promise.withResolvers<unknown>();
      if (this.landing !== undefined) this.#tell(this.landing);
    }
    return this.#outcome.promise;
  }

  join(request: LoadRequest, wake: Wake): Promise<unknown> {
    let waiters = this.#waiters;
    if (waiters === undefined) {
      const joined = new Chain<LoadRequest>();
      this.#wake = () => {
        const next = joined.oldest!;
        joined.remove(next);
        return wake(this, next);
      };
      this.#waiters = joined;
      waiters = joined;
    }
    waiters.push(request);
    return this.outcome().then(this.#wake, this.#wake);
  }

  land(landing: Landing): void {
    this.landing = landing;
    this.#tell(landing);
  }

  #tell(landing: Landing): void {
    if (landing.kind === "loaded") this.#outcome?.resolve(landing.value);
    else this.#outcome?.reject(landing.error);
  }
}

/** The loads that run now: which can be joined, and which ran too long. */
export interface Flights {
  /** The flight a caller that asks now may share. `current`: begun after every invalidation. */
  joinable(key: string, current: boolean): Flight | undefined;
  start(request: LoadRequest): Flight;
  /** In the order in which they began. */
  readonly running: Pick<Chain<Flight>, "size" | "oldest">;
  abandon(why: string): void;
  stop(): void;
}

const SWEEPS_PER_LOAD_MAX = 4;

export function createFlights(parts: LoadParts): Flights {
  const { options, fence, counters, rules } = parts;
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
  const end = (flight: Flight, landing: Landing): void => {
    running.remove(flight);
    if (flight.listed) joinables.delete(flight.key);
    fence.end(flight.fill);
    tellTrace(flight, landing);
    flight.land(landing);
  };
  /** A load that is not tracked ran in its leader's own trace, which saw what it read. */
  const tellTrace = ({ leader, trace }: Flight, { used }: Landing): void => {
    if (leader.trace === undefined || leader.gone || leader.background) return;
    if (trace !== undefined) rules.include(leader.trace, used);
  };
  const abandonBegunBy = (limitMs: number, why: string): void => {
    for (let one = running.oldest; one !== undefined && one.startedMs <= limitMs; ) {
      const flight = one;
      one = one._newer;
      if (flight.landing !== undefined) continue;
      const error = loadAbandoned(flight.key, why);
      (flight.trace ?? flight.leader.trace)?.untracked(GIVEN_UP);
      flight.notes.abort(error);
      end(flight, failed(parts, flight, { errorTtlMs: 0, tags: [] }, error));
    }
  };
  const fly = async (flight: Flight, load: LoadRequest["load"]): Promise<void> => {
    const { trace } = flight;
    const context = flight.notes as unknown as LoadContext<never>;
    try {
      const value = await (trace === undefined
        ? load(context)
        : // Within it also where a query builder is sent only when it is awaited.
          inTrace(trace, async () => load(context)));
      if (trace !== undefined && trace.pending > 0) await settled(trace, clock);
      if (flight.landing === undefined) end(flight, loaded(parts, flight, flight.wanted, value));
    } catch (error) {
      if (trace !== undefined && trace.pending > 0) await settled(trace, clock);
      if (flight.landing === undefined) end(flight, failed(parts, flight, flight.wanted, error));
    }
  };

  return {
    running,
    joinable(key, current) {
      const flight = joinables.get(key);
      if (flight === undefined || rules.sealed(fence, flight.fill)) return undefined;
      return current && flight.fill.seq < fence.seq ? undefined : flight;
    },
    start(request) {
      const { key } = request;
      const full = fence.openFills >= options.fillsMax;
      const trace = openTrace(options);
      const fill = full ? fence.spent(key) : openFill(parts, key, trace);
      fill.tags = request.options.tags;
      if (full) counters.bypassed += 1;
      const flight = new Flight(request, { fill, trace, startedMs: clock.nowMs() });
      if (!full) list(flight);
      running.push(flight);
      keepWatch();
      counters.loads += 1;
      void fly(flight, request.load);
      return flight;
    },
    stop: () => watch?.cancel(),
    abandon: (why) => abandonBegunBy(Number.POSITIVE_INFINITY, why),
  };
}
