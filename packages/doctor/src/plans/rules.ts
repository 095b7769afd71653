import { blocksPerRow, lowCacheHit } from "./rules/buffers.ts";
import { cteMaterialised } from "./rules/ctes.ts";
import { mergeSorts } from "./rules/merges.ts";
import { offset } from "./rules/offset.ts";
import { jitOverhead, planningDominates } from "./rules/overhead.ts";
import { pruningMissed } from "./rules/partitions.ts";
import { castBlocksIndex, functionOnColumn, leadingWildcard } from "./rules/predicates.ts";
import { overFetch, wholeTableCount } from "./rules/results.ts";
import { manyIndexSearches } from "./rules/searches.ts";
import { settingsForced } from "./rules/settings.ts";
import { triggerTime } from "./rules/triggers.ts";
import { indexOnlyHeapFetches } from "./rules/visibility.ts";
import { workersNotLaunched } from "./rules/workers.ts";
import type { PlanRule } from "./types.ts";

/** Every rule, by number: docs/plan-findings.md has the same table for people. */
export const PLAN_RULES: readonly PlanRule[] = [
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
