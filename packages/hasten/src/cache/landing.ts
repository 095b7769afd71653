import type { Dependency, Trace } from "../core/trace/index.ts";
import type { Codec } from "./codec.ts";
import type { Lifetime } from "./entry.ts";
import { listened, publish } from "./events.ts";
import { TAGS_MAX } from "./fence.ts";
import type { Fill } from "./fill.ts";
import type { Guard, Used } from "./guard.ts";
import type { LoadNotes } from "./load-context.ts";
import { lifetimeOf, type ResolvedLoad, tagsOf } from "./load-options.ts";
import type { LoadParts } from "./load-parts.ts";
import { allTags, guardOf } from "./tracking.ts";
import type { RefusedBecause } from "./types.ts";
import type { Admitted } from "./value.ts";

/** How a load ended. */
export type Landing =
  | {
      readonly kind: "loaded";
      /** The very value, for the caller that led. */
      readonly value: unknown;
      readonly stored: unknown;
      readonly codec: Codec<unknown> | undefined;
      readonly voided: boolean;
      readonly used: Used;
    }
  | { readonly kind: "failed"; readonly error: unknown; readonly used: Used };

/** What must be known of a flight to judge what it brought. */
export interface Landed {
  readonly key: string;
  readonly fill: Fill;
  readonly trace: Trace | undefined;
  readonly notes: LoadNotes;
  readonly startedMs: number;
}

/** What everyone but the caller that led gets, as a reader of the cache would. */
export function another(landing: Landing & { kind: "loaded" }): unknown {
  return landing.codec === undefined
    ? landing.stored
    : landing.codec.decode(landing.stored as never);
}

/** What a load brought, and what is to become of it as far as this process knows. */
export interface Weighed {
  readonly value: unknown;
  readonly admitted: Admitted;
  readonly tags: readonly string[];
  /** Not longer than what it was made from lives. */
  readonly lifetime: Lifetime;
  readonly guard: Guard | undefined;
  readonly loadMs: number;
  /** The load said so. */
  readonly skipped: boolean;
  /** Why it is not kept, whatever was invalidated. */
  readonly because: RefusedBecause | undefined;
}

/** Looks at a loaded value. Runs what is the caller's: functions of options, codecs. */
export function weigh(
  parts: LoadParts,
  flight: Landed,
  load: ResolvedLoad,
  value: unknown,
): Weighed {
  const { options, shelf } = parts;
  const { key, notes, fill } = flight;
  const nowMs = options.clock.nowMs();
  const loadMs = nowMs - flight.startedMs;
  const own = tagsOf(load, value, notes.addedTags);
  const admitted = notes.skipped ? unkept(value) : shelf.admit(key, value, load);
  const wanted = notes.skipped
    ? NOT_KEPT
    : lifetimeOf(options, load, value, { remarks: notes.remarks, loadMs });
  // Nothing of the caller's runs from here on.
  const dependency = flight.trace?.dependency();
  const tags = allTags(own, dependency);
  const leftMs = dependency === undefined ? wanted.ttlMs : dependency.expiresAtMs - nowMs;
  const lifetime = { ...wanted, ttlMs: Math.min(wanted.ttlMs, leftMs) };
  const guard = guardOf(parts, fill, dependency);
  return {
    value,
    admitted,
    tags,
    lifetime,
    guard,
    loadMs,
    skipped: notes.skipped,
    because: unkeptBecause({ own, dependency, wanted, lifetime }),
  };
}

function unkeptBecause({
  own,
  dependency,
  wanted,
  lifetime,
}: {
  readonly own: readonly string[];
  readonly dependency: Dependency | undefined;
  readonly wanted: Lifetime;
  readonly lifetime: Lifetime;
}): RefusedBecause | undefined {
  if (own.length > TAGS_MAX) return "too many tags";
  if (wanted.ttlMs <= 0) return "ttl is zero";
  if (dependency?.passing === true) return "read while its source was not ready";
  return lifetime.ttlMs <= 0 ? "made from a value that is no longer fresh" : undefined;
}

/** Whether what was weighed may no longer be stored: to be asked in the turn that stores it. */
export function isVoided({ rules, fence }: LoadParts, fill: Fill, { tags }: Weighed): boolean {
  return rules.voided(fence, fill, tags);
}

/** Keeps what was weighed, or says why not. */
export function keep(
  parts: LoadParts,
  { key }: Pick<Landed, "key">,
  weighed: Weighed,
  voided: boolean,
): void {
  const { shelf } = parts;
  const { because, loadMs, tags, guard, admitted } = weighed;
  parts.counters.loadMs.record(loadMs);
  if (weighed.skipped) return;
  if (voided) refuse(parts, key, "invalidated while loading");
  else if (because === "ttl is zero") shelf.remove(key);
  else if (because !== undefined) refuse(parts, key, because);
  else {
    const lifetime = inMemory(parts, weighed.lifetime);
    const outcome = shelf.put(key, admitted, { lifetime, tags, guard });
    if (outcome.kind === "refused") refuse(parts, key, outcome.because);
  }
  if (listened()) publish({ cache: parts.options.name, kind: "loaded", key, ms: loadMs });
}

/** What everybody but the tiers gets. */
export function landingOf(parts: LoadParts, weighed: Weighed, voided: boolean): Landing {
  const nowMs = parts.options.clock.nowMs();
  const { value, tags, guard, lifetime } = weighed;
  const { stored, codec } = weighed.admitted;
  const freshUntilMs = voided ? nowMs : nowMs + lifetime.ttlMs;
  return { kind: "loaded", value, stored, codec, voided, used: { tags, guard, freshUntilMs } };
}

/** Judges, keeps and hands over a loaded value, in one turn of the event loop. */
export function loaded(
  parts: LoadParts,
  flight: Landed,
  load: ResolvedLoad,
  value: unknown,
): Landing {
  const weighed = weigh(parts, flight, load, value);
  const voided = isVoided(parts, flight.fill, weighed);
  keep(parts, flight, weighed, voided);
  return landingOf(parts, weighed, voided);
}

const NOT_KEPT: Lifetime = { ttlMs: 0, graceMs: 0, refreshAfterMs: 0 };

/** Memory may be told to keep it for less. */
export function inMemory({ options }: LoadParts, lifetime: Lifetime): Lifetime {
  const ttlMs = Math.min(lifetime.ttlMs, options.memoryTtlMaxMs);
  return ttlMs === lifetime.ttlMs ? lifetime : { ...lifetime, ttlMs };
}

function unkept(value: unknown): Admitted {
  return { stored: value, codec: undefined, bytes: 0, json: false };
}

/** Counted, published, and told by `why` where nothing else is kept under the key. */
export function refuse(parts: LoadParts, key: string, because: RefusedBecause): void {
  parts.counters.refusedFills += 1;
  if (listened()) publish({ cache: parts.options.name, kind: "fill-refused", key, because });
  // In a full cache that is most of them, and says nothing about the key.
  if (because === "not admitted") return;
  parts.history.add(key, {
    state: "absent",
    because: `the latest load's value was not kept: ${because}`,
    promise: "ttl",
    tags: [],
    untracked: [],
    atMs: parts.options.clock.nowMs(),
  });
}

/** Remembers the error where asked to, and holds off the next try while a stale value is there. */
export function failed(
  parts: LoadParts,
  flight: Landed,
  load: Pick<ResolvedLoad, "errorTtlMs" | "tags">,
  error: unknown,
): Landing {
  const { counters, shelf, options } = parts;
  const ms = options.clock.nowMs() - flight.startedMs;
  counters.loadFailures += 1;
  counters.loadMs.record(ms);
  publish({ cache: options.name, kind: "load-failed", key: flight.key, ms, error });
  const dependency = flight.trace?.dependency();
  const tags = allTags(load.tags, dependency);
  const guard = guardOf(parts, flight.fill, dependency);
  const { previous } = flight.notes;
  if (previous !== undefined) {
    previous.retryAtMs = parts.now() + options.retryAfterMs;
    if (previous.refreshAtMs === previous.freshUntilMs) {
      previous.refreshAtMs = Math.min(previous.freshUntilMs, previous.retryAtMs);
    }
  } else if (load.errorTtlMs > 0 && !parts.rules.voided(parts.fence, flight.fill, tags)) {
    const lifetime = { ttlMs: load.errorTtlMs, graceMs: 0, refreshAfterMs: 0 };
    shelf.put(flight.key, unkept(error), { lifetime, tags, guard, failure: true });
  }
  const freshUntilMs = dependency?.expiresAtMs ?? Number.POSITIVE_INFINITY;
  return { kind: "failed", error, used: { tags, guard, freshUntilMs } };
}
