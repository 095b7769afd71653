import type { Gathered } from "./gathered.ts";

/** What a channel tells the stream. */
export interface ChannelHooks {
  /** Visible from now on, in the order of commits. */
  onVisible(visible: readonly Gathered[]): void;
  onMessage(content: string): void;
  /** A pulse of somebody else, and what was acknowledged before it is applied. */
  onBarrier(content: string): void;
  /** Something that is not in the stream became visible: what was read before may be untrue. */
  onMissed(): void;
  onWait(xids: readonly string[]): void;
  onLost(error: Error): void;
}
