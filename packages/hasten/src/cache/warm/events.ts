import { channels } from "../../core/channels.ts";
import type { WarmUpEvent } from "./types.ts";

/** Publishes only where somebody listens. */
export function publishWarmUp(event: WarmUpEvent): void {
  if (channels.cacheWarmUp.hasSubscribers) channels.cacheWarmUp.publish(event);
}
