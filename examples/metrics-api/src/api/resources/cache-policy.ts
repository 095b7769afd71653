import type { Cache } from "hasten/cache";
import type { CachedOptions } from "hasten/express";
import type { Invalidation } from "../deps.ts";
import { canonicalUrls } from "./canonical-url.ts";
import { itemTag, listTag, type Resource } from "./resource.ts";

/** What is cached for how long, what it depends on, and how a write drops it. */
export interface CachePolicy {
  /** Lists and statistics of a resource, shared by everyone of one role. */
  list(resource: Resource): CachedOptions;
  /** One document, shared by everyone of one role. */
  item(resource: Resource): CachedOptions;
  /** The caller's own user: never shared. */
  own(resource: Resource): CachedOptions;
  /** A list for everyone, answered before Express exists in front mode. */
  everyone(resource: Resource): CachedOptions;
  /** Drops here what a write made untrue, and tells the other processes. */
  invalidate(invalidation: Invalidation): Promise<void>;
}

const LIST_TTL_MS = 300_000;
/** How long after that an answer may stand in for a database that is down. */
const STALE_IF_ERROR_MS = 3_600_000;

export interface CachePolicyParts {
  readonly cache: Cache;
  readonly onInvalidate?: ((invalidation: Invalidation) => Promise<void>) | undefined;
  readonly listTtlMs?: number | undefined;
}

/**
 * Answers are kept by what they show: a list by its resource's list tag, a document by its own. A
 * write drops both of its document, so every other document's entry stays.
 */
export function cachePolicy(parts: CachePolicyParts): CachePolicy {
  const { cache, onInvalidate, listTtlMs = LIST_TTL_MS } = parts;
  const itemTtlMs = 2 * listTtlMs;
  const key = canonicalUrls();
  return {
    list: (resource) => ({
      name: `${resource.name} list`,
      ttlMs: listTtlMs,
      staleIfErrorMs: STALE_IF_ERROR_MS,
      scope: "role",
      key: (req) => key(req.originalUrl),
      tags: [listTag(resource)],
    }),
    item: (resource) => ({
      name: `${resource.name} item`,
      ttlMs: itemTtlMs,
      staleIfErrorMs: STALE_IF_ERROR_MS,
      scope: "role",
      key: (req) => key(req.originalUrl),
      tags: (req) => [itemTag(resource, String(req.params["id"]).toLowerCase())],
    }),
    own: (resource) => ({
      name: "me",
      ttlMs: itemTtlMs,
      staleIfErrorMs: STALE_IF_ERROR_MS,
      scope: "user",
      tags: (req) => [itemTag(resource, (req as { user?: { id: string } }).user!.id)],
    }),
    everyone: (resource) => ({
      name: `public ${resource.name}`,
      ttlMs: listTtlMs,
      staleIfErrorMs: STALE_IF_ERROR_MS,
      public: true,
      tags: [listTag(resource)],
    }),
    async invalidate(invalidation) {
      await cache.delete(invalidation);
      await onInvalidate?.(invalidation);
    },
  };
}
