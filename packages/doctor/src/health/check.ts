import { DoctorError } from "../errors.ts";
import { SEVERITY_RANK } from "../finding.ts";
import type { Target } from "../target/types.ts";
import { CHECKS, TRAFFIC_CHECKS } from "./checks/all.ts";
import { readCounters, trafficOf } from "./counters.ts";
import { readFigures } from "./figures.ts";
import { readServer } from "./server.ts";
import { bind } from "./template.ts";
import { THRESHOLDS, type Thresholds } from "./thresholds.ts";
import {
  type CheckResult,
  type Counters,
  FINDINGS_PER_CHECK_MAX,
  type Health,
  type HealthCheck,
  type HealthContext,
  type HealthCoverage,
  type HealthFinding,
  type HealthOptions,
  type Judgement,
  type TrafficCheck,
} from "./types.ts";

/** What one check came to. */
interface Outcome {
  readonly result: CheckResult;
  readonly findings: readonly HealthFinding[];
  /** How much of it was seen, 0 to 1; undefined when there is nothing to see. */
  readonly seen: number | undefined;
}

/**
 * Makes every check, one after the other, on the one session. A check that the server refuses or
 * that runs out of time is named in the coverage, and the others go on.
 * @throws DoctorError HST_DOCTOR_OPTION for a threshold that is no number; the signal's reason
 */
export async function checkHealth(target: Target, options: HealthOptions = {}): Promise<Health> {
  const server = await readServer(target);
  const context = { server, thresholds: resolved(options.thresholds) };
  // Read first: the checks' own reads are no traffic of the application's.
  const counters = options.after ?? (await attempt(() => readCounters(target, server)));
  const outcomes: Outcome[] = [];
  const total = CHECKS.length + 1;
  for (const check of CHECKS) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: check.looksAt, done: outcomes.length, total });
    outcomes.push(await make(target, check, context));
  }
  for (const check of TRAFFIC_CHECKS)
    outcomes.push(weigh(check, counters, options.before, context));
  const figures = await readFigures(target, counters);
  options.onProgress?.({ step: "health", done: total, total });
  const findings = outcomes.flatMap((outcome) => outcome.findings);
  return {
    findings: findings.sort((a, b) => SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity]),
    coverage: coverageOf(outcomes),
    ran: outcomes.map((outcome) => outcome.result),
    figures,
  };
}

function resolved(given: Partial<Thresholds> = {}): Thresholds {
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(THRESHOLDS, name) && Number.isFinite(value) && value >= 0) continue;
    throw new DoctorError("HST_DOCTOR_OPTION", {
      message: `The threshold ${JSON.stringify(name)} is unknown or not a number of at least 0.`,
      fix: "See docs/health-checks.md for the names and units of the thresholds.",
    });
  }
  return { ...THRESHOLDS, ...given };
}

async function make(target: Target, check: HealthCheck, context: HealthContext): Promise<Outcome> {
  const absent = check.absent?.(context.server);
  if (absent !== undefined)
    return outcome(check, { outcome: "absent", because: absent }, { seen: undefined });
  if (check.needs === "statistics" && !target.rights.statistics)
    return outcome(check, {
      outcome: "not-seen",
      because: "sessions and statistics of others are hidden: grant pg_monitor to the role",
    });
  const started = performance.now();
  try {
    const { text, values } = bind(check.sql(context.server), {
      numbers: Object.fromEntries(check.thresholds.map((name) => [name, context.thresholds[name]])),
      identifiers: context.server.extensions,
    });
    const rows = await target.rows(text, values);
    const ms = performance.now() - started;
    return concluded(check, check.judge(rows, context), ms);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const ms = performance.now() - started;
    return outcome(check, { outcome: "not-seen", because: refusal(error.sqlstate), ms });
  }
}

function weigh(
  check: TrafficCheck,
  counters: Counters | undefined,
  before: Counters | undefined,
  context: HealthContext,
): Outcome {
  if (counters === undefined)
    return outcome(check, { outcome: "not-seen", because: "the counters could not be read" });
  return concluded(check, check.judge(trafficOf(before, counters), context), 0);
}

type Named = Pick<HealthCheck, "id" | "looksAt" | "why">;

function concluded(check: Named, judgement: Judgement, ms: number): Outcome {
  const { verdicts, unseen } = judgement;
  const findings = [...verdicts]
    .sort((a, b) => SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity])
    .slice(0, FINDINGS_PER_CHECK_MAX)
    .map((verdict) => ({ id: check.id, why: check.why, ...verdict }));
  const found = findings.length > 0 ? "found" : "clean";
  const facts = {
    outcome: unseen?.share === 0 && findings.length === 0 ? "not-seen" : found,
    because: unseen?.because,
    ms,
  } as const;
  return outcome(check, facts, {
    seen: unseen?.share ?? 1,
    findings,
    more: verdicts.length - findings.length,
  });
}

function outcome(
  check: Named,
  facts: Pick<CheckResult, "outcome" | "because"> & { readonly ms?: number },
  found: {
    readonly seen?: number | undefined;
    readonly findings?: readonly HealthFinding[];
    readonly more?: number;
  } = { seen: 0 },
): Outcome {
  const findings = found.findings ?? [];
  const result = {
    id: check.id,
    looksAt: check.looksAt,
    outcome: facts.outcome,
    findings: findings.length,
    more: found.more ?? 0,
    ms: facts.ms ?? 0,
    because: facts.because,
  };
  return { result, findings, seen: found.seen };
}

function coverageOf(outcomes: readonly Outcome[]): HealthCoverage {
  const applicable = outcomes.flatMap(({ seen }) => (seen === undefined ? [] : [seen]));
  const seen = applicable.reduce((sum, part) => sum + part, 0);
  const unseen = outcomes.filter((each) => each.seen !== undefined && each.seen < 1);
  const reasons = Map.groupBy(unseen, ({ result }) => result.because ?? "not seen");
  return {
    part: "health",
    share: applicable.length === 0 ? 0 : seen / applicable.length,
    missing: [...reasons].map(
      ([because, those]) => `${those.map(({ result }) => result.id).join(", ")}: ${because}`,
    ),
  };
}

async function attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** Of one statement; when the session is gone there is no other. */
const isRefusal = (error: unknown): error is DoctorError & { readonly sqlstate: string } =>
  error instanceof DoctorError &&
  error.code === "HST_DOCTOR_STATEMENT" &&
  error.sqlstate !== undefined;

function refusal(sqlstate: string): string {
  if (sqlstate === "42501") return "the role may not read it (SQLSTATE 42501)";
  if (sqlstate === "57014") return "it took longer than the statement time-out (SQLSTATE 57014)";
  if (sqlstate === "55P03")
    return "another session holds a lock on what it reads (SQLSTATE 55P03): try again later";
  return `the server refused it (SQLSTATE ${sqlstate})`;
}
