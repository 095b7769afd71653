import { createDatabase, type IndexOutcome, type IndexSpec } from "hasten/postgres";
import { INDEXES } from "./indexes.ts";

export interface Made {
  readonly spec: IndexSpec;
  readonly outcome: IndexOutcome;
  readonly done: number;
  readonly total: number;
}

export interface MakeOptions {
  readonly url: string;
  /** Told after each index. */
  readonly onMade?: (made: Made) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes what is missing, one after the other, each CONCURRENTLY and followed by ANALYZE: writes go
 * on meanwhile. What is there stays; what an interrupted run left unusable is built again.
 */
export async function makeIndexes(options: MakeOptions): Promise<readonly IndexOutcome[]> {
  const { url, onMade, signal } = options;
  await using db = createDatabase({ url, pool: { max: 2 }, applicationName: "platform-indexes" });
  const outcomes: IndexOutcome[] = [];
  for (const spec of INDEXES) {
    const outcome = await db.indexes.ensure(signal === undefined ? spec : { ...spec, signal });
    outcomes.push(outcome);
    onMade?.({ spec, outcome, done: outcomes.length, total: INDEXES.length });
  }
  return outcomes;
}
