import { countersFrom, readCounters, savedCounters, wasReset } from "../health/counters.ts";
import type { Counters } from "../health/types.ts";
import type { Resolved } from "../options.ts";
import { loadParser } from "../parse/parse.ts";
import { plural } from "../report/format.ts";
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
  /** Of the whole database, around the window, so that health can tell what happened in it. */
  readonly counters: Around | undefined;
}

interface Around {
  readonly before: Counters;
  readonly after: Counters;
}

/** The statements, and with `save` the counters for a later run. */
export async function hear(
  target: Target,
  options: Resolved,
  since: Snapshot | undefined,
): Promise<Heard> {
  const { sampleMs, queries, onProgress, signal, save } = options;
  const first = sampleMs === undefined ? undefined : await readCounters(target);
  const heard =
    queries === undefined
      ? await readWorkload(target, { sampleMs, since, onProgress, signal })
      : workloadFromFile(queries, await loadParser());
  // Without statements nobody has looked whether the snapshot is of this server.
  const before = first ?? (heard.source === "none" ? undefined : earlier(since));
  const counters = before && { before, after: await readCounters(target) };
  const notes = [...heard.notes, ...(since === undefined ? [] : sinceNotes(counters))];
  if (save !== undefined) notes.push(await saved(save, target));
  return { workload: { ...heard, notes }, counters };
}

const earlier = (since: Snapshot | undefined): Counters | undefined =>
  since?.health === undefined ? undefined : countersFrom(since.health);

function sinceNotes(counters: Around | undefined): readonly string[] {
  if (counters === undefined)
    return [
      "The snapshot tells nothing of the database as a whole: its health is judged by the totals since their reset.",
    ];
  if (!wasReset(counters.before, counters.after)) return [];
  return [
    "The database's counters were reset since the snapshot, or the server crashed: its health is judged by what was counted after that.",
  ];
}

async function saved(path: string, target: Target): Promise<string> {
  const snapshot = await takeSnapshot(target);
  if (snapshot === undefined) return "Nothing was saved: pg_stat_statements cannot be read.";
  const health = savedCounters(await readCounters(target));
  await writeSnapshot(path, { ...snapshot, health });
  return "The counters were saved: run it later with --since to see what happened in between.";
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
  const missing = unreadable > 0 ? [`${plural(unreadable, "statement")} could not be read`] : [];
  return { part: "statements", share: Math.min(1, shareSeen), missing };
}
