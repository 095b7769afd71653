import { setTimeout as pause } from "node:timers/promises";
import { DoctorError } from "../errors.ts";
import { loadParser, SQL_CHARS_MAX } from "../parse/parse.ts";
import type { OnProgress, Target } from "../target/types.ts";
import { type Activity, delta } from "./delta.ts";
import { type Extension, findExtension } from "./extension.ts";
import { merge, type Selection, select, worthReading } from "./select.ts";
import { DATABASE_OID, type Snapshot, snapshotWith } from "./snapshot.ts";
import type { Window, Workload } from "./types.ts";

export interface WorkloadOptions {
  /** Counts what happens within so many milliseconds from now. */
  readonly sampleMs?: number | undefined;
  /** Counts what happened since this snapshot, which goes before `sampleMs`. */
  readonly since?: Snapshot | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Texts read at most. */
const TEXTS_MAX = 1_600;
const PROGRESS_MS = 1_000;

type Usable = Extract<Extension, { usable: true }>;

/**
 * The statements of this database by pg_stat_statements, which is only read. Without options it is
 * the sum since the last reset.
 * @throws DoctorError as {@link delta}, and what the target throws
 */
export async function readWorkload(
  target: Target,
  options: WorkloadOptions = {},
): Promise<Workload> {
  const extension = await findExtension(target);
  if (!extension.usable) return none(extension.because);
  const { activity, window } = await readActivity(target, extension, options);
  options.onProgress?.({ step: "Reading statements" });
  const merged = merge(activity.entries);
  const wanted = worthReading(merged, TEXTS_MAX);
  const texts = await readTexts(target, extension, [...wanted]);
  const selection = select({ merged, texts, hidden: activity.hidden }, await loadParser());
  const { statements, shareSeen, unreadable } = selection;
  return {
    source: "pg_stat_statements",
    window,
    statements,
    shareSeen,
    unreadable,
    notes: [...extension.notes, ...activity.notes, ...notesOf(selection, activity, target)],
  };
}

const none = (because: string): Workload => ({
  source: "none",
  window: { kind: "totals", sinceMs: undefined },
  statements: [],
  shareSeen: 0,
  unreadable: 0,
  notes: [because],
});

async function readActivity(
  target: Target,
  extension: Usable,
  options: WorkloadOptions,
): Promise<{ activity: Activity; window: Window }> {
  const first = await snapshotWith(target, extension);
  if (options.since === undefined && options.sampleMs === undefined) {
    const sinceMs = first.resetAt === undefined ? undefined : first.takenAt - first.resetAt;
    return { activity: totals(first, sinceMs), window: { kind: "totals", sinceMs } };
  }
  const before = options.since ?? first;
  if (options.since === undefined) await wait(options.sampleMs ?? 0, options);
  const after = options.since === undefined ? await snapshotWith(target, extension) : first;
  const activity = delta(before, after);
  return { activity, window: { kind: "delta", sinceMs: after.takenAt - before.takenAt } };
}

function totals(snapshot: Snapshot, sinceMs: number | undefined): Activity {
  const notes = [
    ...(snapshot.evicted !== undefined && snapshot.evicted > 0
      ? [
          "pg_stat_statements has thrown entries out for want of room: rare statements are missing; raise pg_stat_statements.max.",
        ]
      : []),
    ...(snapshot.cutAtMs === undefined
      ? []
      : ["Only the entries with the most time were read; there are very many."]),
  ];
  return { sinceMs, entries: snapshot.entries, hidden: snapshot.hidden, notes };
}

async function wait(ms: number, { onProgress, signal }: WorkloadOptions): Promise<void> {
  const step = "Counting statements";
  try {
    for (let done = 0; done < ms; done += PROGRESS_MS) {
      onProgress?.({ step, done: Math.round(done / 1_000), total: Math.round(ms / 1_000) });
      await pause(Math.min(PROGRESS_MS, ms - done), undefined, { ...(signal && { signal }) });
    }
  } catch (cause) {
    throw new DoctorError(
      "HST_DOCTOR_OPTION",
      { message: "The sample was cancelled.", fix: "Run it again, with a shorter --sample." },
      { cause },
    );
  }
}

async function readTexts(
  target: Target,
  { view }: Usable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const rows = await target.rows<{ id: string; text: string | null }>(
    `select queryid::text as id, min(left(query, ${SQL_CHARS_MAX + 1})) as text from ${view}(true)
      where dbid = ${DATABASE_OID} and queryid = any($1::int8[]) group by 1`,
    [ids],
  );
  const texts = new Map<string, string | undefined>(ids.map((id) => [id, undefined]));
  for (const { id, text } of rows)
    texts.set(id, text === null || text === "<insufficient privilege>" ? undefined : text);
  return texts;
}

function notesOf(selection: Selection, activity: Activity, target: Target): readonly string[] {
  const { utilities, nested, statements } = selection;
  const notes: string[] = [];
  if (!target.rights.statistics && activity.hidden.entries > 0)
    notes.push(
      "Statements of other roles are hidden from this one: grant it pg_monitor or pg_read_all_stats.",
    );
  if (utilities.count > 0)
    notes.push(
      `Left out, as they are not planned as a whole (COPY, VACUUM, DDL, FETCH, COMMIT …): ${utilities.count}.`,
    );
  if (nested)
    notes.push("Statements within functions are listed too; their time is also their callers'.");
  if (statements.length === 0) notes.push("No statement on tables of this database was counted.");
  return notes;
}
