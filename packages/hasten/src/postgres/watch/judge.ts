/**
 * What one statement means for the trace that it ran in.
 *
 * Invariant: tracked only if every way in which its result could hang on something else was ruled
 * out; each of the others has a cause by name.
 */
import { tableTag } from "../../core/sql-tag.ts";
import { readAdrift, type Trace } from "../../core/trace/index.ts";
import type { ReadAnalysis } from "../statements/analysis.ts";
import { CAUSES } from "./causes.ts";
import { isPast } from "./facts.ts";
import { isSettled } from "./first-seen.ts";
import type { Run } from "./run.ts";
import type { SessionState } from "./session-state.ts";
import type { Watching } from "./watching.ts";

/** Call before the state is changed by the run. */
export function judge(run: Run, state: SessionState, watching: Watching): void {
  const { trace, analysis } = run;
  const kind = analysis?.kind ?? "opaque";
  if (trace === undefined) {
    if (run.adrift && (kind === "read" || kind === "opaque")) readAdrift(CAUSES.adrift);
    return;
  }
  if (run.outcome !== "answered") {
    trace.untracked(CAUSES.failed, "passing");
    return;
  }
  if (kind === "session") return;
  const changed = state.changedBecause() ?? state.unknownBecause;
  if (changed !== undefined) {
    trace.personal(changed);
    trace.untracked(changed);
  }
  const pooled = state.pooler.becauseOf(run);
  if (pooled !== undefined) {
    trace.personal(pooled);
    trace.untracked(pooled, "passing");
    return;
  }
  if (analysis?.kind === "opaque" && analysis.personal === true) trace.personal(analysis.because);
  const cause = causeOf(run, state, watching.clock.nowMs()) ?? state.serverBecause(watching.server);
  if (cause !== undefined) trace.untracked(cause, isPassing(cause, analysis));
  else readInto(trace, run, { state, clock: watching.clock, analysis: analysis as ReadAnalysis });
}

const PASSING: ReadonlySet<string> = new Set([
  CAUSES.unmapped,
  CAUSES.preparing,
  CAUSES.unidentified,
  CAUSES.noSource,
  CAUSES.timedOut,
  CAUSES.replica,
  CAUSES.changedSession,
]);

function isPassing(cause: string, analysis: Run["analysis"]): "lasting" | "passing" {
  if (analysis?.kind === "opaque" && analysis.passing === true) return "passing";
  return PASSING.has(cause) ? "passing" : "lasting";
}

function causeOf(run: Run, state: SessionState, nowMs: number): string | undefined {
  const { analysis, source, trace } = run;
  if (run.unknownText !== undefined) return run.unknownText;
  if (analysis === undefined) return CAUSES.noText;
  if (state.isPreparing(run)) return CAUSES.preparing;
  if (analysis.kind === "opaque") return analysis.because;
  if (analysis.kind === "write") return CAUSES.writes;
  if (run.late && source.unmappedSeq > trace!.seq) return CAUSES.unmapped;
  if (run.trust === undefined) return CAUSES.noSource;
  if (analysis.kind === "session") return undefined;
  return state.snapshotBecause(run) ?? replicaBecause(run, state, { analysis, nowMs });
}

function replicaBecause(
  run: Run,
  state: SessionState,
  { analysis, nowMs }: { readonly analysis: ReadAnalysis; readonly nowMs: number },
): string | undefined {
  if (!state.standby) return undefined;
  // How far it had replayed was asked of a session that may be another replica's.
  if (state.pooler.found) return CAUSES.replica;
  const { position } = run.source;
  const { trust } = run;
  if (trust?.confirmed !== true || !isSettled(analysis, trust, nowMs)) return CAUSES.replica;
  const known = position !== "0/0";
  return known && run.replayed !== undefined && isPast(run.replayed, position)
    ? undefined
    : CAUSES.replica;
}

interface Reading {
  readonly state: SessionState;
  readonly clock: Watching["clock"];
  readonly analysis: ReadAnalysis;
}

function readInto(trace: Trace, run: Run, { state, clock, analysis }: Reading): void {
  const tags = tagsOf(analysis, run);
  const prefix = databasePrefix(state.facts?.database ?? "");
  if (tags === undefined) trace.untracked(CAUSES.parameters);
  else if (!allBegin(tags, prefix)) trace.untracked(CAUSES.otherDatabase);
  else if (state.standby) {
    // A replica shows what was confirmed, which is a little older than the capture.
    const ageMs = run.trust!.ageMs();
    const { seq } = trace;
    trace.include({
      tags,
      trusts: [run.trust!],
      seq,
      capturedMs: clock.nowMs() - ageMs,
      capturedWallMs: clock.wallMs() - ageMs,
      expiresAtMs: Number.POSITIVE_INFINITY,
      untracked: [],
    });
  } else trace.read(tags, run.trust);
}

function allBegin(tags: readonly string[], prefix: string): boolean {
  for (const tag of tags) if (!tag.startsWith(prefix)) return false;
  return true;
}

function tagsOf(analysis: ReadAnalysis, { values }: Run): readonly string[] | undefined {
  try {
    return analysis.tagsOf(values);
  } catch {
    return undefined;
  }
}

let lastDatabase: string | undefined;
let lastPrefix = "";

function databasePrefix(database: string): string {
  if (database === lastDatabase) return lastPrefix;
  lastDatabase = database;
  lastPrefix = tableTag({ database, schema: "", table: "" }).slice(0, -1);
  return lastPrefix;
}
