import type { WorkStatement } from "../workload/types.ts";

/** A statement of a workload for tests; its share is the whole unless said. */
export function statementOf(planText: string, facts: Partial<WorkStatement> = {}): WorkStatement {
  return {
    id: "s",
    text: planText,
    planText,
    calls: 1,
    totalMs: 1,
    meanMs: 1,
    maxMs: undefined,
    rows: 0,
    blocksHit: 0,
    blocksRead: 0,
    tempBlocksWritten: 0,
    walBytes: 0,
    share: 1,
    ...facts,
  };
}
