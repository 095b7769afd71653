/**
 * Invalidations by applications whose caches are not the tier's own, told through the tier.
 *
 * Invariants:
 * - Each travels as a tag that no entry has: the tier's own entries are not touched by it.
 * - The trust is that of the tier's log: what it may have missed, these may have missed.
 * - What is too long to be a name is told as everything of its cache.
 */
import type { InvalidationLog, LoggedInvalidation } from "../../core/invalidation-log.ts";

const TUNNEL = "hasten-log:";
const LENGTH_MAX = 4_000;

export function tunnelled(log: InvalidationLog): InvalidationLog {
  return {
    get trust() {
      return log.trust;
    },
    publish(invalidation) {
      const tags = [`${TUNNEL}${textOf(invalidation)}`];
      return log.publish({ cache: "", how: "deleted", keys: [], tags, prefixes: [] });
    },
    subscribe: (apply) =>
      log.subscribe(({ tags }) => {
        for (const tag of tags) {
          const invalidation = tag.startsWith(TUNNEL) ? read(tag.slice(TUNNEL.length)) : undefined;
          if (invalidation !== undefined) apply(invalidation);
        }
      }),
  };
}

function textOf(invalidation: LoggedInvalidation): string {
  const text = JSON.stringify(invalidation);
  if (text.length <= LENGTH_MAX) return text;
  const { cache } = invalidation;
  return JSON.stringify({ cache, how: "cleared", keys: [], tags: [], prefixes: [] });
}

/** What others wrote is one of ours, or a foreign tag that happens to begin alike. */
function read(text: string): LoggedInvalidation | undefined {
  try {
    const said = JSON.parse(text) as Partial<LoggedInvalidation>;
    const { cache, how, keys, tags, prefixes } = said;
    const whole = [keys, tags, prefixes].every((names) => Array.isArray(names));
    return typeof cache === "string" && how !== undefined && whole
      ? (said as LoggedInvalidation)
      : undefined;
  } catch {
    return undefined;
  }
}
