/**
 * Whether a server may be read instead of the primary.
 *
 * Invariants:
 * - Only a server in recovery, of the primary's system and branch of the log as far as they may be
 *   asked, that says how far it has replayed.
 * - Its lag is measured by the primary's own positions, on this process's clock: a clock that is set
 *   wrong on some server changes nothing, and a quiet primary is no lag. Only while the primary does
 *   not answer the replica's word is taken: nothing is left to replay, or the age of what was last.
 */
import type { Position } from "./position.ts";
import type { Samples } from "./samples.ts";
import type { ServerFacts } from "./server-facts.ts";
import type { ReplicaState } from "./types.ts";

export interface Verdict {
  readonly state: ReplicaState;
  readonly because: string | undefined;
  readonly lagMs: number | undefined;
  readonly lagBytes: number | undefined;
}

export interface Known {
  /** The primary's latest word; undefined while it is not known. */
  readonly primary: ServerFacts | undefined;
  readonly samples: Samples;
  /** Whether the primary answered lately. */
  readonly primaryAnswers: boolean;
  readonly nowMs: number;
}

export interface Limits {
  readonly maxLagMs: number;
  readonly maxLagBytes: number;
}

export function verdictOn(facts: ServerFacts, known: Known, limits: Limits): Verdict {
  const not = (state: ReplicaState, because: string): Verdict => ({
    state,
    because,
    lagMs: undefined,
    lagBytes: undefined,
  });
  const { primary } = known;
  if (!facts.standby) return not("promoted", "it is in recovery no longer: another primary");
  if (differs(facts.system, primary?.system))
    return not("other-server", "its system identifier is another one than the primary's");
  if (primary?.standby === false && differs(facts.timeline, primary.timeline))
    return not("other-server", "it follows another timeline than the primary's");
  const { position } = facts;
  if (position === undefined) return not("no-position", "it does not say how far it has replayed");
  const lagMs = lagOf(facts, position, known);
  const latest = known.samples.latest?.position;
  const lagBytes =
    latest === undefined ? undefined : Number(latest > position ? latest - position : 0n);
  if (lagMs !== undefined && lagMs > limits.maxLagMs)
    return { state: "lagging", because: `it is ${Math.round(lagMs)} ms behind`, lagMs, lagBytes };
  if (lagBytes !== undefined && lagBytes > limits.maxLagBytes)
    return { state: "lagging", because: `it has ${lagBytes} bytes to replay`, lagMs, lagBytes };
  return { state: "ready", because: undefined, lagMs, lagBytes };
}

function lagOf(facts: ServerFacts, position: Position, known: Known): number | undefined {
  if (known.primaryAnswers) return known.samples.ageMs(position, known.nowMs);
  return facts.caughtUp ? 0 : facts.sinceReplayedMs;
}

const differs = <T>(one: T | undefined, other: T | undefined): boolean =>
  one !== undefined && other !== undefined && one !== other;
