import type { Workload, WorkStatement } from "../workload/types.ts";

export interface StatementSpec extends Partial<Omit<WorkStatement, "text">> {
  readonly text: string;
}

/** A workload for tests: ids "1", "2" …, equal shares unless told, 1,000 calls of 10 ms each. */
export function workloadOf(
  statements: readonly (string | StatementSpec)[],
  facts: Partial<Workload> = {},
): Workload {
  return {
    source: "pg_stat_statements",
    window: { kind: "delta", sinceMs: 3_600_000 },
    shareSeen: 1,
    unreadable: 0,
    notes: [],
    ...facts,
    statements: statements.map((each, at) => {
      const spec = typeof each === "string" ? { text: each } : each;
      return {
        id: String(at + 1),
        planText: spec.text,
        calls: 1_000,
        totalMs: 10_000,
        meanMs: 10,
        maxMs: undefined,
        rows: 1_000,
        blocksHit: 0,
        blocksRead: 0,
        tempBlocksWritten: 0,
        walBytes: 0,
        share: 1 / statements.length,
        ...spec,
      };
    }),
  };
}
