import type { Candidate } from "../candidates/types.ts";
import type { Planned } from "../model/types.ts";
import { KEEP_GAIN_SHARE, KEEP_STATEMENT_SHARE, KEEP_TOTAL_SHARE } from "./chosen.ts";
import type { Costed } from "./matrix.ts";
import type { StatementGain } from "./types.ts";

export interface Gains {
  readonly statements: readonly StatementGain[];
  /** Share of the workload's time; of a statement that uses several new indexes each has a part. */
  readonly savedShare: number;
  /** Whether statements whose costs are trusted justify the index by themselves. */
  readonly proven: boolean;
}

/** The planner takes plans for equal that differ by less than 1 %: such a change is no gain. */
const TELLING_SHARE = 0.01;

/** Before and after of the statements whose final plan uses the candidate and costs less. */
export function gainsOf(
  candidate: Candidate,
  costed: readonly Costed[],
  final: ReadonlyMap<string, Planned>,
  untrusted: ReadonlyMap<string, string>,
): Gains {
  const shareLeast = Math.min(KEEP_STATEMENT_SHARE, 1 / Math.max(1, costed.length));
  const statements: StatementGain[] = [];
  let savedShare = 0;
  let trustedShare = 0;
  let telling = false;
  for (const { statement, before } of costed) {
    const after = final.get(statement.id);
    if (after?.kind !== "planned" || !after.uses.includes(candidate.id)) continue;
    const gain = before > 0 ? 1 - after.totalCost / before : 0;
    if (gain < TELLING_SHARE) continue;
    const saved = (statement.share * gain) / after.uses.length;
    const because = untrusted.get(statement.id);
    savedShare += saved;
    if (because === undefined) trustedShare += saved;
    telling ||= because === undefined && statement.share >= shareLeast && gain >= KEEP_GAIN_SHARE;
    statements.push({
      id: statement.id,
      share: statement.share,
      calls: statement.calls,
      meanMs: statement.meanMs,
      costBefore: before,
      costAfter: after.totalCost,
      untrusted: because,
    });
  }
  return {
    statements: statements.toSorted((a, b) => b.share - a.share),
    savedShare,
    proven: telling || trustedShare >= KEEP_TOTAL_SHARE,
  };
}
