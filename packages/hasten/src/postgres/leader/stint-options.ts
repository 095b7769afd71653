import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import type { DropTags } from "../coherence/source.ts";
import type { LeaderMutant, Led, LedHooks } from "./types.ts";

export interface StintOptions {
  readonly node: string;
  readonly clock: Clock;
  readonly log: Pick<InvalidationLog, "publish">;
  readonly drop: DropTags;
  readonly beatMs: number;
  readonly leaseMs: number;
  /** Rejects when the server refuses it. */
  readonly open: (hooks: LedHooks) => Promise<Led>;
  readonly onEnded: (because: string) => void;
  readonly mutant?: LeaderMutant | undefined;
}
