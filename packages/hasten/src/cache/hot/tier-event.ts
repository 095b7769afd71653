import { channels } from "../../core/channels.ts";
import type { SharedStatus } from "../shared/port.ts";

/** What `channels.cacheTier` publishes: how the shared tier of a cache stands, and what it missed. */
export type TierEvent =
  | {
      readonly cache: string;
      readonly kind: "state";
      readonly state: SharedStatus["state"];
      readonly because: string | undefined;
    }
  /** An invalidation may have been missed: what this process had was dropped. */
  | { readonly cache: string; readonly kind: "gap"; readonly because: string };

/** Publishes only where somebody listens. */
export function publishTier(event: TierEvent): void {
  if (channels.cacheTier.hasSubscribers) channels.cacheTier.publish(event);
}
