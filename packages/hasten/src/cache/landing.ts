import type { Codec } from "./codec.ts";
import { listened, publish } from "./events.ts";
import type { Fill } from "./fence.ts";
import type { LoadNotes } from "./load-context.ts";
import { lifetimeOf, type ResolvedLoad, tagsOf } from "./load-options.ts";
import type { LoadParts } from "./load-parts.ts";

/** How a load ended. */
export type Landing =
  | {
      readonly kind: "loaded";
      /** The very value, for the caller that led. */
      readonly value: unknown;
      readonly stored: unknown;
      readonly codec: Codec<unknown> | undefined;
      readonly voided: boolean;
    }
  | { readonly kind: "failed"; readonly error: unknown };

/** What must be known of a flight to judge what it brought. */
export interface Landed {
  readonly key: string;
  readonly fill: Fill;
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
  if (listened()) publish({ cache: parts.options.name, kind: "loaded", key, ms });
  return { kind: "loaded", value, stored: admitted.stored, codec: admitted.codec, voided };
}

function refuse(parts: LoadParts, key: string, because: string): void {
  parts.counters.refusedFills += 1;
  publish({ cache: parts.options.name, kind: "fill-refused", key, because });
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
  const { previous } = flight.notes;
  if (previous !== undefined) {
    previous.retryAtMs = parts.now() + options.retryAfterMs;
    if (previous.refreshAtMs === previous.freshUntilMs) {
      previous.refreshAtMs = Math.min(previous.freshUntilMs, previous.retryAtMs);
    }
  } else if (load.errorTtlMs > 0 && !parts.rules.voided(parts.fence, flight.fill, load.tags)) {
    const lifetime = { ttlMs: load.errorTtlMs, graceMs: 0, refreshAfterMs: 0 };
    const admitted = { stored: error, codec: undefined, bytes: 0 };
    shelf.put(flight.key, admitted, { lifetime, tags: load.tags, failure: true });
  }
  return { kind: "failed", error };
}
