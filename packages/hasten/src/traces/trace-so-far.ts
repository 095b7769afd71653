import { currentTrace, type QueryTotals } from "../core/trace/index.ts";
import { findIn } from "./find-in.ts";
import type { TraceFinding } from "./finding.ts";
import { environmentOf, type Thresholds, thresholdsFor } from "./thresholds.ts";
import { functionWrittenAt } from "./written-in.ts";

/** What a request or job has cost up to now. */
export interface TraceSoFar {
  readonly queries: QueryTotals;
  /** Judged now, by the thresholds given. */
  findings(thresholds?: Thresholds): readonly TraceFinding[];
}

const NOTHING: QueryTotals = {
  count: 0,
  databaseMs: 0,
  waitMs: 0,
  rows: 0,
  bytes: 0,
  failed: 0,
  cacheHits: 0,
  cacheMisses: 0,
};

/** The statements of the request or job whose code runs now; undefined outside of any. */
export function traceSoFar(): TraceSoFar | undefined {
  const trace = currentTrace();
  if (trace === undefined) return undefined;
  const log = trace.queriesSoFar;
  return {
    queries: log?.totals() ?? NOTHING,
    findings(thresholds = thresholdsFor(environmentOf(process.env["NODE_ENV"]))) {
      return log === undefined
        ? []
        : findIn(log, thresholds, {
            name: trace.root.name ?? "so far",
            functionAt: functionWrittenAt,
          });
    },
  };
}
