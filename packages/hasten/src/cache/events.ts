import { channels } from "../core/channels.ts";

/** What `channels.cacheEvent` publishes. Hits and misses are counted, not published. */
export interface CacheEvent {
  readonly cache: string;
  readonly kind:
    | "loaded"
    | "load-failed"
    | "stale-served"
    | "fill-refused"
    | "evicted"
    | "deleted"
    | "expired"
    | "cleared";
  readonly key?: string;
  readonly ms?: number;
  readonly because?: string;
  readonly error?: unknown;
  readonly tags?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly keys?: readonly string[];
}

/** Whether it is worth making the event. */
export function listened(): boolean {
  return channels.cacheEvent.hasSubscribers;
}

/** Publishes only where somebody listens. */
export function publish(event: CacheEvent): void {
  if (channels.cacheEvent.hasSubscribers) channels.cacheEvent.publish(event);
}
