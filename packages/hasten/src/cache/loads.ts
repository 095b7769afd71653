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
 * - When a load fails its caller gets the error, and the first waiter to wake leads the next
 *   flight; the others join that one. After `handoversMax` failures seen, waiters get the error.
 * - A flight ends once: landed, or abandoned after `loadMaxMs`; its late result is dropped.
 */
import type { Codec } from "./codec.ts";
import type { Entry } from "./entry.ts";
import { loadAbandoned } from "./errors.ts";
import { publish } from "./events.ts";
import type { Fence, Fill } from "./fence.ts";
import { LoadNotes } from "./load-context.ts";
import { lifetimeOf, type ResolvedLoad, tagsOf } from "./load-options.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Shelf } from "./shelf.ts";
import type { Counters } from "./stats.ts";
import type { LoadContext } from "./types.ts";

/** One caller's wish for a value. */
export interface LoadRequest {
  readonly key: string;
  readonly load: (context: LoadContext<never>) => unknown;
  readonly options: ResolvedLoad;
  readonly stale: Entry | undefined;
  /** Its caller was answered otherwise: it leads no further load. */
  gone: boolean;
}

export type Landing =
  | {
      readonly kind: "loaded";
      readonly value: unknown;
      readonly stored: unknown;
      readonly codec: Codec<unknown> | undefined;
      readonly voided: boolean;
    }
  | { readonly kind: "failed"; readonly error: unknown };

interface Flight {
  readonly key: string;
  readonly fill: Fill;
  readonly notes: LoadNotes;
  readonly startedMs: number;
  readonly landing: Promise<Landing>;
  readonly land: (landing: Landing) => void;
  ended: boolean;
}

/** The three checks that keep a fill safe. Tests replace one to see that its absence is noticed. */
export interface LoadRules {
  /** A later caller must not share this flight. */
  sealed(fence: Fence, fill: Fill): boolean;
  /** What the flight brought, with these tags, may no longer be stored. */
  voided(fence: Fence, fill: Fill, tags: readonly string[]): boolean;
  /** A caller that joined at this seq may be given what the flight brought. */
  shares(landing: { readonly voided: boolean }, fill: Fill, joinedSeq: number): boolean;
}

export const LOAD_RULES: LoadRules = {
  sealed: (fence, fill) => fence.isVoid(fill),
  voided: (fence, fill, tags) => fence.isVoid(fill, tags),
  shares: (landing, fill, joinedSeq) => !landing.voided || joinedSeq === fill.seq,
};

export interface LoadParts {
  readonly options: ResolvedOptions;
  readonly fence: Fence;
  readonly shelf: Shelf;
  readonly counters: Counters;
  readonly now: () => number;
  readonly rules: LoadRules;
}

export interface Loads {
  /** The value, from a flight that is safe for a caller that asks now. */
  obtain(request: LoadRequest): Promise<unknown>;
  /** Starts a flight unless one can be joined; errors are counted only. */
  refresh(request: LoadRequest): void;
  /** Whether a caller that asks now would share a running flight. */
  isRunning(key: string): boolean;
  readonly running: number;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  /** Gives up everything that runs. */
  abandon(why: string): void;
}

export function createLoads(parts: LoadParts): Loads {
  const { options, fence, shelf, counters, now, rules } = parts;
  const clock = options.clock;
  const joinables = new Map<string, Flight>();
  const running = new Set<Flight>();
  let sweeping = false;

  const joinable = (key: string, current: boolean): Flight | undefined => {
    const flight = joinables.get(key);
    if (flight === undefined || rules.sealed(fence, flight.fill)) return undefined;
    return current && flight.fill.seq !== fence.seq ? undefined : flight;
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
    counters.loadFailures += 1;
    end(flight, { kind: "failed", error });
  };

  const sweep = (): void => {
    sweeping = false;
    const limit = clock.nowMs() - options.loadMaxMs;
    for (const flight of running) {
      if (flight.startedMs > limit) break;
      abandon(flight, `it took longer than ${options.loadMaxMs} ms`);
    }
    watch();
  };
  const watch = (): void => {
    if (sweeping || running.size === 0) return;
    sweeping = true;
    clock.schedule(Math.max(1, options.loadMaxMs / 4), sweep);
  };

  const start = (request: LoadRequest): Flight => {
    const { key, stale } = request;
    const full = fence.openFills >= options.fillsMax;
    const fill = fence.begin(key, request.options.tags);
    if (full) {
      counters.bypassed += 1;
      fence.end(fill);
    }
    const { promise, resolve } = Promise.withResolvers<Landing>();
    const notes = new LoadNotes(key, stale, fill);
    const startedMs = clock.nowMs();
    const flight = { key, fill, notes, startedMs, landing: promise, land: resolve, ended: false };
    if (!full) joinables.set(key, flight);
    running.add(flight);
    watch();
    counters.loads += 1;
    void fly(flight, request);
    return flight;
  };

  const fly = async (flight: Flight, request: LoadRequest): Promise<void> => {
    try {
      const value = await request.load(flight.notes as unknown as LoadContext<never>);
      if (!flight.ended) end(flight, loaded(parts, flight, request.options, value));
    } catch (error) {
      if (!flight.ended) end(flight, failed(parts, flight, request.options, error));
    }
  };

  const obtain = async (request: LoadRequest): Promise<unknown> => {
    let failures = 0;
    let current = false;
    for (;;) {
      const flight = joinable(request.key, current);
      if (flight === undefined) return own(await start(request).landing);
      const joinedSeq = fence.seq;
      counters.coalesced += 1;
      const landing = await flight.landing;
      if (landing.kind === "loaded") {
        if (rules.shares(landing, flight.fill, joinedSeq)) return another(landing);
        current = true;
      } else {
        if (failures >= options.handoversMax || request.gone) throw landing.error;
        failures += 1;
      }
      const entry = shelf.find(request.key);
      if (entry !== undefined && !entry.failure && now() < entry.freshUntilMs) return entry.value;
    }
  };

  return {
    obtain,
    refresh(request) {
      if (joinable(request.key, false) === undefined) start(request);
    },
    isRunning: (key) => joinable(key, false) !== undefined,
    get running() {
      return running.size;
    },
    async idle() {
      while (running.size > 0) await Promise.all([...running].map((flight) => flight.landing));
    },
    abandon(why) {
      for (const flight of running) abandon(flight, why);
    },
  };
}

/** The caller that led gets the very value that it loaded. */
function own(landing: Landing): unknown {
  if (landing.kind === "failed") throw landing.error;
  return landing.value;
}

/** Everyone else gets it as a reader of the cache would. */
function another(landing: Landing & { kind: "loaded" }): unknown {
  return landing.codec === undefined
    ? landing.stored
    : landing.codec.decode(landing.stored as never);
}

/** Judges, keeps and hands over a loaded value, in one turn of the event loop. */
function loaded(parts: LoadParts, flight: Flight, load: ResolvedLoad, value: unknown): Landing {
  const { counters, shelf, fence, rules } = parts;
  const { key, notes, fill } = flight;
  const ms = parts.options.clock.nowMs() - flight.startedMs;
  const tags = tagsOf(load, value, notes.addedTags);
  if (notes.skipped) {
    const voided = rules.voided(fence, fill, tags);
    counters.loadMs.record(ms);
    return { kind: "loaded", value, stored: value, codec: undefined, voided };
  }
  const admitted = shelf.admit(key, value, load);
  const lifetime = lifetimeOf(parts.options, load, value, notes.remarks);
  // Nothing of the caller's runs from here on: what is judged now is true when it is stored.
  const voided = rules.voided(fence, fill, tags);
  if (voided) refuse(parts, key, "invalidated while loading");
  else if (lifetime.ttlMs <= 0) shelf.remove(key);
  else {
    const outcome = shelf.put(key, admitted, { lifetime, tags });
    if (outcome.kind === "refused") refuse(parts, key, outcome.because);
  }
  counters.loadMs.record(ms);
  publish({ cache: parts.options.name, kind: "loaded", key, ms });
  return { kind: "loaded", value, stored: admitted.stored, codec: admitted.codec, voided };
}

function refuse(parts: LoadParts, key: string, because: string): void {
  parts.counters.refusedFills += 1;
  publish({ cache: parts.options.name, kind: "fill-refused", key, because });
}

/** Remembers the error where asked to, and holds off the next try while a stale value is there. */
function failed(parts: LoadParts, flight: Flight, load: ResolvedLoad, error: unknown): Landing {
  const { counters, shelf, options } = parts;
  const ms = options.clock.nowMs() - flight.startedMs;
  counters.loadFailures += 1;
  counters.loadMs.record(ms);
  publish({ cache: options.name, kind: "load-failed", key: flight.key, ms, error });
  const entry = shelf.memory.peek(flight.key);
  if (entry !== undefined) {
    entry.retryAtMs = parts.now() + options.retryAfterMs;
    const early = entry.refreshAtMs === entry.freshUntilMs;
    if (early) entry.refreshAtMs = Math.min(entry.freshUntilMs, entry.retryAtMs);
  } else if (load.errorTtlMs > 0 && !parts.rules.voided(parts.fence, flight.fill, load.tags)) {
    const lifetime = { ttlMs: load.errorTtlMs, graceMs: 0, refreshAfterMs: 0 };
    const admitted = { stored: error, codec: undefined, bytes: 0 };
    shelf.put(flight.key, admitted, { lifetime, tags: load.tags, failure: true });
  }
  return { kind: "failed", error };
}
