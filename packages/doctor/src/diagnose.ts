import { readCatalog } from "./catalog/read.ts";
import type { Catalog } from "./catalog/types.ts";
import { DoctorError } from "./errors.ts";
import { checkHealth } from "./health/check.ts";
import { type DiagnoseOptions, namesDatabase, type Resolved, resolveOptions } from "./options.ts";
import type { PlanReport } from "./plans/types.ts";
import { type Coverage, REPORT_SCHEMA, type Report, type ReportTarget } from "./report/types.ts";
import { adviseIndexes } from "./stages/indexes.ts";
import { withoutOverlap, withProvenIndexes } from "./stages/overlap.ts";
import { type Tried, tried, unseen } from "./stages/part.ts";
import { planAsked, planStatements } from "./stages/plans.ts";
import { distinct, scoreFor, worstFirst } from "./stages/score.ts";
import {
  type Heard,
  hear,
  NO_WORKLOAD,
  statementsCoverage,
  workloadReport,
} from "./stages/statements.ts";
import { connectionFrom } from "./target/connection.ts";
import { missingGrants } from "./target/grants.ts";
import { openTarget } from "./target/open.ts";
import type { Target } from "./target/types.ts";
import type { Snapshot } from "./workload/snapshot.ts";
import { readSnapshot } from "./workload/snapshot-file.ts";
import type { Workload } from "./workload/types.ts";

/**
 * Looks at one PostgreSQL database, 14 to 18, and says what is slow, why, and what to do. Reads
 * only, in one session with time-outs. A part that cannot be looked at is told in `coverage` and
 * `notes`, and the others go on.
 *
 * @throws DoctorError HST_DOCTOR_OPTION, HST_DOCTOR_FILE; HST_DOCTOR_TARGET when the database cannot
 *   be reached; HST_DOCTOR_GUARD when the query of `explain` may not run; the signal's reason
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Report> {
  const startedMs = performance.now();
  const resolved = resolveOptions(options);
  resolved.signal?.throwIfAborted();
  const { explain, url, env, since } = resolved;
  if (explain?.kind === "plan" && !namesDatabase(url, env)) {
    const { plans, coverage } = await planAsked(undefined, resolved);
    return report({ resolved, startedMs, plans, coverage: [coverage] });
  }
  const earlier = since === undefined ? undefined : await readSnapshot(since);
  try {
    resolved.onProgress?.({ step: "Connecting" });
    await using target = await openTarget(connectionFrom(url, env), {
      statementTimeoutMs: resolved.statementTimeoutMs,
      signal: resolved.signal,
    });
    const found =
      explain === undefined
        ? await lookAt(target, resolved, earlier)
        : await planAsked(target, resolved).then(({ plans, coverage }) => ({
            plans,
            coverage: [coverage],
          }));
    return report({ ...found, resolved, startedMs, target });
  } catch (error) {
    // What an abort tears down fails in many ways; there is one reason.
    resolved.signal?.throwIfAborted();
    throw error;
  }
}

interface Found {
  readonly plans: readonly PlanReport[];
  readonly coverage: readonly Coverage[];
  readonly workload?: Workload;
  readonly indexes?: Report["indexes"];
  readonly health?: Awaited<ReturnType<typeof checkHealth>> | undefined;
  readonly grants?: readonly string[];
  readonly notes?: readonly string[];
}

async function lookAt(
  target: Target,
  options: Resolved,
  since: Snapshot | undefined,
): Promise<Found> {
  const { only, onProgress, signal } = options;
  onProgress?.({ step: "Reading the catalog" });
  const catalog = await tried("catalog", options, () => readCatalog(target));
  const heard = await statementsOf(target, options, since);
  const workload = heard.ok ? heard.value.workload : NO_WORKLOAD;
  const counters = heard.ok ? heard.value.counters : undefined;
  const health = only.includes("health")
    ? await tried("health", options, () =>
        checkHealth(target, {
          ...counters,
          onProgress: ({ done = 0, total = 0 }) =>
            onProgress?.({ step: "Checking health", done, total }),
          ...(signal !== undefined && { signal }),
        }),
      )
    : undefined;
  const indexes = only.includes("indexes")
    ? await tried("indexes", options, () =>
        adviseIndexes(target, { catalog: known(catalog), workload }, options),
      )
    : undefined;
  const plans = only.includes("plans")
    ? await tried("plans", options, () => planStatements(target, workload, options))
    : undefined;
  const grants = await tried("grants", options, async () => missingGrants(target, known(catalog)));
  const parts = { catalog, statements: heard, health, indexes, plans };
  return {
    workload,
    indexes: indexes?.ok ? indexes.value.result : undefined,
    health: health?.ok ? health.value : undefined,
    plans: plans?.ok ? plans.value.plans : [],
    grants: grants.ok ? grants.value : [],
    coverage: [
      heard.ok ? statementsCoverage(workload) : unseen("statements", heard.because),
      ...covered("indexes", indexes),
      ...covered("health", health),
      ...covered("plans", plans),
    ],
    notes: Object.entries(parts).flatMap(([part, outcome]) =>
      outcome?.ok === false ? [`Not looked at: ${part}: ${outcome.because}`] : [],
    ),
  };
}

/** A file that was named and cannot be used ends the run; a server that does not tell does not. */
async function statementsOf(
  target: Target,
  options: Resolved,
  since: Snapshot | undefined,
): Promise<Tried<Heard>> {
  let asked: unknown;
  const heard = await tried("statements", options, () =>
    hear(target, options, since).catch((error: unknown) => {
      if (error instanceof DoctorError && error.code === "HST_DOCTOR_FILE") asked = error;
      throw error;
    }),
  );
  if (asked !== undefined) throw asked;
  return heard;
}

function known(catalog: Tried<Catalog>): Catalog {
  if (catalog.ok) return catalog.value;
  throw new DoctorError("HST_DOCTOR_STATEMENT", {
    message: "The catalog could not be read.",
    fix: "See why above.",
  });
}

const covered = (
  part: Coverage["part"],
  outcome: Tried<{ readonly coverage: Coverage }> | undefined,
): readonly Coverage[] => {
  if (outcome === undefined) return [];
  return [outcome.ok ? outcome.value.coverage : unseen(part, outcome.because)];
};

interface Told extends Found {
  readonly resolved: Resolved;
  readonly startedMs: number;
  readonly target?: Target;
}

function report({ resolved, startedMs, target, ...found }: Told): Report {
  const { workload = NO_WORKLOAD, plans, health, indexes } = found;
  const ofHealth = withoutOverlap(health?.findings ?? [], indexes);
  const planFindings = withProvenIndexes(
    plans.flatMap(({ findings }) => findings),
    indexes,
  );
  const findings = worstFirst(distinct([...ofHealth, ...planFindings]));
  return {
    schema: REPORT_SCHEMA,
    generatedAt: new Date().toISOString(),
    durationMs: Math.round(performance.now() - startedMs),
    target: target && targetOf(target),
    score: scoreFor(findings, indexes, workload),
    coverage: found.coverage,
    grants: found.grants ?? [],
    workload: workloadReport(workload, resolved.slowMs),
    indexes,
    figures: health?.figures,
    findings,
    plans,
    notes: [...(found.notes ?? []), ...(target?.notes ?? [])],
  };
}

const MAJOR = 10_000;

const targetOf = (target: Target): ReportTarget => ({
  database: target.database,
  version: `${Math.floor(target.versionNum / MAJOR)}.${target.versionNum % MAJOR}`,
  rights: target.rights,
  spent: target.spent(),
});
