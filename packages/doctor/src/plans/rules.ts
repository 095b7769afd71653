import { bitmapAnd, lossyBitmap } from "./rules/bitmaps.ts";
import { blocksPerRow, lowCacheHit } from "./rules/buffers.ts";
import { cteMaterialised } from "./rules/ctes.ts";
import { defaultSelectivity } from "./rules/default-selectivity.ts";
import { rowMisestimate, staleStatistics } from "./rules/estimates.ts";
import { incrementalSortSpill } from "./rules/incremental-sort.ts";
import { innerSeqScan, joinFilterWaste, nestedLoopExplosion } from "./rules/joins.ts";
import { mergeSorts } from "./rules/merges.ts";
import { offset } from "./rules/offset.ts";
import { jitOverhead, planningDominates } from "./rules/overhead.ts";
import { pruningMissed } from "./rules/partitions.ts";
import { castBlocksIndex, functionOnColumn, leadingWildcard } from "./rules/predicates.ts";
import { overFetch, wholeTableCount } from "./rules/results.ts";
import { inefficientIndex, orderLimitIndex, seqScanSelectiveFilter } from "./rules/scans.ts";
import { manyIndexSearches } from "./rules/searches.ts";
import { settingsForced } from "./rules/settings.ts";
import { diskSort, hashAggregateSpill, hashBatches, temporaryIo } from "./rules/spills.ts";
import { correlatedSubplan, notInSubplan } from "./rules/subplans.ts";
import { triggerTime } from "./rules/triggers.ts";
import { indexOnlyHeapFetches } from "./rules/visibility.ts";
import { workersNotLaunched } from "./rules/workers.ts";
import type { PlanRule } from "./types.ts";

/** Every rule, by number: docs/plan-findings.md has the same table for people. */
export const PLAN_RULES: readonly PlanRule[] = [
  seqScanSelectiveFilter,
  inefficientIndex,
  orderLimitIndex,
  rowMisestimate,
  staleStatistics,
  defaultSelectivity,
  diskSort,
  incrementalSortSpill,
  hashBatches,
  hashAggregateSpill,
  temporaryIo,
  lossyBitmap,
  bitmapAnd,
  nestedLoopExplosion,
  innerSeqScan,
  joinFilterWaste,
  correlatedSubplan,
  notInSubplan,
  indexOnlyHeapFetches,
  lowCacheHit,
  blocksPerRow,
  castBlocksIndex,
  functionOnColumn,
  leadingWildcard,
  offset,
  jitOverhead,
  planningDominates,
  workersNotLaunched,
  cteMaterialised,
  pruningMissed,
  manyIndexSearches,
  triggerTime,
  overFetch,
  wholeTableCount,
  mergeSorts,
  settingsForced,
];
