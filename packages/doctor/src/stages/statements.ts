import { readCounters } from "../health/counters.ts";
import type { Counters } from "../health/types.ts";
import type { Resolved } from "../options.ts";
import { loadParser } from "../parse/parse.ts";
import type { Coverage, WorkloadReport } from "../report/types.ts";
import type { Target } from "../target/types.ts";
import { workloadFromFile } from "../workload/from-file.ts";
import { readWorkload } from "../workload/read.ts";
import type { Snapshot } from "../workload/snapshot.ts";
import { takeSnapshot } from "../workload/snapshot.ts";
import { writeSnapshot } from "../workload/snapshot-file.ts";
import type { Workload, WorkStatement } from "../workload/types.ts";

const TOP = 20;

export const NO_WORKLOAD: Workload = {
  source: "none",
  window: { kind: "totals", sinceMs: undefined },
  statements: [],
  shareSeen: 0,
  unreadable: 0,
  notes: [],
};

export interface Heard {
  readonly workload: Workload;
  /** Read before the sample, so that health can tell what happened in it. */
  readonly before: Counters | undefined;
}

/** The statements, and with `save` the counters for a later run. */
export async function hear(
  target: Target,
  options: Resolved,
  since: Snapshot | undefined,
): Promise<Heard> {
  const { sampleMs, queries, onProgress, signal, save } = options;
  const before = sampleMs === undefined ? undefined : await readCounters(target);
  const workload =
    queries === undefined
      ? await readWorkload(target, { sampleMs, since, onProgress, signal })
      : workloadFromFile(queries, await loadParser());
  if (save === undefined) return { workload, before };
  const snapshot = await takeSnapshot(target);
  if (snapshot !== undefined) await writeSnapshot(save, snapshot);
  const notes = [
    ...workload.notes,
    snapshot === undefined
      ? "Nothing was saved: pg_stat_statements cannot be read."
      : "The counters were saved: run it later with --since to see what happened in between.",
  ];
  return { workload: { ...workload, notes }, before };
}

/** A file's statements have neither calls nor time of their own, so that none is the slowest. */
export function workloadReport(workload: Workload, slowMs: number): WorkloadReport {
  const { source, window, shareSeen, unreadable, notes } = workload;
  const statements = workload.statements.map(({ planText: _, ...shown }) => shown);
  const top = (measure: (statement: WorkStatement) => number): readonly string[] =>
    workload.statements
      .filter((statement) => measure(statement) > 0)
      .toSorted((a, b) => measure(b) - measure(a))
      .slice(0, TOP)
      .map(({ id }) => id);
  return {
    source,
    window,
    shareSeen,
    unreadable,
    notes,
    statements,
    slowest: top(({ meanMs }) => meanMs),
    mostFrequent: top(({ calls }) => calls),
    mostIo: top(({ blocksRead }) => blocksRead),
    slowMs,
  };
}

export function statementsCoverage({ source, shareSeen, unreadable, notes }: Workload): Coverage {
  if (source === "none") return { part: "statements", share: 0, missing: notes };
  const missing = unreadable > 0 ? [`${unreadable} statements could not be read`] : [];
  return { part: "statements", share: Math.min(1, shareSeen), missing };
}
