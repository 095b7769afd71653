import type { SharedStatus } from "../port.ts";
import type { TierLog } from "./log.ts";
import type { TierShard } from "./shard.ts";

type State = SharedStatus["state"];

/** The worst first. */
const RANK: readonly State[] = ["closed", "lost", "connecting", "suspect", "refused", "ready"];

export function stateOf({ link, confirmer }: TierShard): State {
  const { kind } = link.state;
  if (kind !== "ready") return kind;
  if (confirmer.epoch !== undefined) return "ready";
  return confirmer.because === undefined ? "connecting" : "refused";
}

/** The tier is as good as the worst of its shards. */
export function worstOf(shards: readonly TierShard[]): TierShard {
  return shards.reduce((worst, shard) =>
    RANK.indexOf(stateOf(shard)) < RANK.indexOf(stateOf(worst)) ? shard : worst,
  );
}

export function becauseOf({ link, confirmer }: TierShard): string | undefined {
  return link.state.kind === "ready" ? confirmer.because : link.state.because;
}

export function statusOf(shards: readonly TierShard[], log: TierLog): SharedStatus {
  const worst = worstOf(shards);
  const ageMs = log.trust.ageMs();
  return {
    state: stateOf(worst),
    because: becauseOf(worst),
    sinceMs: worst.link.state.sinceMs,
    confirmedAgoMs: Number.isFinite(ageMs) ? ageMs : undefined,
    queued: log.depth,
    shards: shards.length,
    server: worst.link.server?.address,
  };
}
