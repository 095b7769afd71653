import { type Entry, survives } from "./entry.ts";
import type { LoadParts } from "./load-parts.ts";

/** Whether its sources let it be served as fresh. Its time and its invalidations are not asked. */
export function isConfirmed(
  { rules, options }: Pick<LoadParts, "rules" | "options">,
  { guard }: Entry,
): boolean {
  if (guard === undefined || rules.confirmed(guard)) return true;
  // Only its log is silent, which the cache was told to live with; not once another one is in force,
  // which does not tell what was missed in between.
  const silent = guard.log === undefined || guard.log === options.log?.trust;
  return options.serveUnconfirmed && silent && guard.sourcesHold && !guard.doubted;
}

/** A hit. Remembered errors are as well: who asks for a value looks at `failure`. */
export function isFresh(parts: LoadParts, entry: Entry): boolean {
  return parts.now() < entry.freshUntilMs && isConfirmed(parts, entry);
}

/**
 * Whether a value that is not fresh may stand in: within its grace, and within that of its lapse.
 * What this process itself may have made untrue never is.
 */
export function mayStandIn(parts: LoadParts, entry: Entry): boolean {
  if (entry.failure || parts.now() >= entry.staleUntilMs || isGone(parts, entry)) return false;
  const { guard } = entry;
  if (guard === undefined || isConfirmed(parts, entry)) return true;
  return !guard.doubted && guard.lapsedMs(parts.options.clock) < entry.graceMs;
}

/** Whether it was deleted, or something that it depends on was: it may have been found long ago. */
export function isGone(
  { shelf, fence }: Pick<LoadParts, "shelf" | "fence">,
  entry: Entry,
): boolean {
  if (entry.dropped || !survives(entry, fence)) return true;
  // What is not kept any more, or never was, is told of no invalidation.
  if (shelf.memory.peek(entry.key) === entry) return false;
  return fence.isTaken(entry);
}
