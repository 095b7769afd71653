import type { Trace } from "../core/trace/index.ts";
import type { Codec } from "./codec.ts";
import type { Lifetime } from "./entry.ts";
import { listened, publish } from "./events.ts";
import { TAGS_MAX } from "./fence.ts";
import type { Fill } from "./fill.ts";
import type { Used } from "./guard.ts";
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

/** Judges, keeps and hands over a loaded value, in one turn of the event loop. */
export function loaded(
  parts: LoadParts,
  flight: Landed,
  load: ResolvedLoad,
  value: unknown,
): Landing {
  const { counters, shelf, fence, rules } = parts;
  const { key, notes, fill } = flight;
  const nowMs = parts.options.clock.nowMs();
  const ms = nowMs - flight.startedMs;
  const own = tagsOf(load, value, notes.addedTags);
  const admitted = notes.skipped ? unkept(value) : shelf.admit(key, value, load);
  const lifetime = notes.skipped ? NOT_KEPT : lifetimeOf(parts.options, load, value, notes.remarks);
  // Nothing of the caller's runs from here on: what is judged now is true when it is stored.
  const dependency = flight.trace?.dependency();
  const tags = allTags(own, dependency);
  const voided = rules.voided(fence, fill, tags);
  const leftMs = dependency === undefined ? lifetime.ttlMs : dependency.expiresAtMs - nowMs;
  const ttlMs = Math.min(lifetime.ttlMs, leftMs);
  const guard = guardOf(parts, fill, dependency);
  const used: Used = { tags, guard, freshUntilMs: voided ? nowMs : nowMs + ttlMs };
  counters.loadMs.record(ms);
  if (!notes.skipped) {
    if (voided) refuse(parts, key, "invalidated while loading");
    else if (own.length > TAGS_MAX) refuse(parts, key, "too many tags");
    else if (lifetime.ttlMs <= 0) shelf.remove(key);
    else if (dependency?.passing === true)
      refuse(parts, key, "read while its source was not ready");
    else if (ttlMs <= 0) refuse(parts, key, "made from a value that is no longer fresh");
    else {
      const placement = { lifetime: { ...lifetime, ttlMs }, tags, guard };
      const outcome = shelf.put(key, admitted, placement);
      if (outcome.kind === "refused") refuse(parts, key, outcome.because);
    }
    if (listened()) publish({ cache: parts.options.name, kind: "loaded", key, ms });
  }
  const { stored, codec } = admitted;
  return { kind: "loaded", value, stored, codec, voided, used };
}

const NOT_KEPT: Lifetime = { ttlMs: 0, graceMs: 0, refreshAfterMs: 0 };

function unkept(value: unknown): Admitted {
  return { stored: value, codec: undefined, bytes: 0, json: false };
}

/** Counted, published, and told by `why` where nothing else is kept under the key. */
function refuse(parts: LoadParts, key: string, because: RefusedBecause): void {
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
