import type { CachedOptions } from "hasten/express";
import { canonicalUrls } from "./canonical-url.ts";
import type { Resource } from "./resource.ts";

/**
 * What is cached for how long, and who shares it. What an answer depends on is not said: hasten sees
 * the rows that its handler reads, and drops it when they change.
 */
export interface CachePolicy {
  /** Lists and statistics of a resource, shared by everyone of one role. */
  list(resource: Resource): CachedOptions;
  /** One document, shared by everyone of one role. */
  item(resource: Resource): CachedOptions;
  /** The caller's own user: never shared. */
  own(): CachedOptions;
  /** A list for everyone, answered before Express exists in front mode. */
  everyone(resource: Resource): CachedOptions;
}

const LIST_TTL_MS = 300_000;
/** How long after that an answer may stand in for a database that is down. */
const STALE_IF_ERROR_MS = 3_600_000;

/** A single document lives twice as long as a list. */
export function cachePolicy(listTtlMs: number = LIST_TTL_MS): CachePolicy {
  const key = canonicalUrls();
  const list = { ttlMs: listTtlMs, staleIfErrorMs: STALE_IF_ERROR_MS };
  const item = { ttlMs: 2 * listTtlMs, staleIfErrorMs: STALE_IF_ERROR_MS };
  const byRole: CachedOptions = { scope: "role", key: (req) => key(req.originalUrl) };
  return {
    list: ({ name }) => ({ ...list, ...byRole, name: `${name} list` }),
    item: ({ name }) => ({ ...item, ...byRole, name: `${name} item` }),
    own: () => ({ ...item, scope: "user", name: "me" }),
    everyone: ({ name }) => ({ ...list, public: true, name: `public ${name}` }),
  };
}
