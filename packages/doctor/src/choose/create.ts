import { quoteQualified } from "hasten/postgres";
import { indexName } from "../candidates/definition.ts";
import type { Candidate } from "../candidates/types.ts";
import type { Index, Relation } from "../catalog/types.ts";
import { estimateIndexSize } from "../model/size.ts";
import type { IndexSize, Planned, PlannerSource, RawPlan } from "../model/types.ts";
import { estimateBuildMs } from "./build-time.ts";
import { type Calibration, explainOnTarget } from "./calibrate.ts";
import { createDdl, type Ddl } from "./ddl.ts";
import { type Gains, gainsOf } from "./gains.ts";
import type { AdviseInput } from "./input.ts";
import type { Matrix } from "./matrix.ts";
import type { CreateAdvice } from "./types.ts";
import type { Upkeep } from "./upkeep.ts";
import { columnsOf, impactOf, indexNames, reasonOf, typeOf } from "./words.ts";

export interface Evidence {
  readonly input: AdviseInput;
  readonly relations: ReadonlyMap<number, Relation>;
  readonly source: PlannerSource;
  readonly matrix: Matrix;
  readonly calibration: Calibration;
  /** Plans with all that is advised. */
  readonly final: ReadonlyMap<string, Planned>;
  readonly replaced: ReadonlyMap<string, readonly Index[]>;
  readonly sizes: ReadonlyMap<string, IndexSize>;
  readonly upkeep: ReadonlyMap<string, Upkeep>;
}

/** The chosen indexes as advice, what saves most first. */
export async function createAdvice(
  chosen: readonly Candidate[],
  evidence: Evidence,
): Promise<readonly CreateAdvice[]> {
  const advice: CreateAdvice[] = [];
  for (const candidate of chosen) {
    const relation = evidence.relations.get(candidate.relation);
    if (relation === undefined) continue;
    const { costed } = evidence.matrix;
    const gains = gainsOf(candidate, costed, evidence.final, evidence.calibration.untrusted);
    if (gains.statements.length === 0) continue;
    const parallel = await runsParallel(gains, evidence);
    advice.push(adviceOf(candidate, relation, evidence, { gains, parallel }));
  }
  return advice.toSorted((a, b) => b.savedShare - a.savedShare);
}

function adviceOf(
  candidate: Candidate,
  relation: Relation,
  evidence: Evidence,
  { gains, parallel }: { readonly gains: Gains; readonly parallel: boolean },
): CreateAdvice {
  const replaced = evidence.replaced.get(candidate.id) ?? [];
  const upkeep = evidence.upkeep.get(candidate.id);
  const size = evidence.sizes.get(candidate.id) ?? { pages: 0, rows: 0, bytes: 0 };
  const ddl = createDdl(candidate, relation, evidence.input.catalog, replaced);
  return {
    ...base(candidate, relation, ddl),
    kind: replaced.length > 0 ? "replace" : "create",
    reason: reasonOf(candidate, gains.statements),
    badge: gains.proven ? (evidence.source === "hypopg" ? "hypopg" : "model") : "unverified",
    unverifiedBecause: gains.proven
      ? undefined
      : gains.statements.find(({ untrusted }) => untrusted !== undefined)?.untrusted,
    caveats: [...ddl.caveats, ...caveatsOf(candidate, evidence, { upkeep, parallel })],
    candidate,
    replaces: indexNames(replaced),
    statements: gains.statements,
    savedShare: gains.savedShare,
    impact: impactOf(gains.savedShare),
    sizeBytes: size.bytes,
    buildMs: estimateBuildMs(candidate, relation, size.rows),
    writeShare: upkeep?.writeShare ?? 0,
    losesHot: upkeep?.losesHot ?? false,
  };
}

function base(candidate: Candidate, relation: Relation, ddl: Ddl) {
  return {
    id: `create ${quoteQualified([relation.schema, indexName(candidate, relation)])}`,
    table: `${relation.schema}.${relation.name}`,
    columns: columnsOf(candidate),
    type: typeOf(candidate),
    ddl: ddl.ddl,
    rollback: ddl.rollback,
    cleanup: ddl.cleanup,
  };
}

const PARALLEL_ASKED_MAX = 3;

/** Whether the target would run one of the heaviest statements in parallel today. */
async function runsParallel(gains: Gains, { input, matrix }: Evidence): Promise<boolean> {
  const ids = gains.statements.slice(0, PARALLEL_ASKED_MAX).map(({ id }) => id);
  for (const { statement } of matrix.costed.filter(({ statement: { id } }) => ids.includes(id))) {
    const options = { parallel: true };
    const planned = await explainOnTarget(input.target, input.parser, statement, options);
    if (planned.kind === "planned" && hasGather(planned.plan)) return true;
  }
  return false;
}

function hasGather(plan: RawPlan): boolean {
  return plan["Node Type"].startsWith("Gather") || (plan.Plans ?? []).some(hasGather);
}

const SKIP_SCAN_MAJOR = 18;

function caveatsOf(
  candidate: Candidate,
  { input, source }: Pick<Evidence, "input" | "source">,
  known: { readonly upkeep: Upkeep | undefined; readonly parallel: boolean },
): readonly string[] {
  const expression = candidate.keys.some(({ column }) => column === undefined);
  const older = input.catalog.major < SKIP_SCAN_MAJOR && source === "model";
  return [
    ...(known.parallel
      ? ["The server runs it in parallel today: the time gained is less than the cost gained."]
      : []),
    ...(expression
      ? [
          "How many rows an expression's value has is known only after ANALYZE: until then the cost is a default guess.",
        ]
      : []),
    ...(candidate.method === "gin"
      ? [
          "The size of a GIN index is a rough guess: it depends on how many different values there are.",
        ]
      : []),
    ...(known.upkeep?.losesHot === true
      ? [
          "Updates that touch no index today would touch this one: they write to every index of the table then.",
        ]
      : []),
    ...(older
      ? [
          `Planned by PostgreSQL 18's planner for a server of version ${input.catalog.major}; plans that only 18 can make were left out.`,
        ]
      : []),
    ...(candidate.extension === undefined || input.catalog.extensions.has(candidate.extension)
      ? []
      : [
          `It needs the extension ${candidate.extension}, which a superuser or the database's owner creates.`,
        ]),
  ];
}

export interface GuessEvidence {
  readonly input: AdviseInput;
  readonly relations: ReadonlyMap<number, Relation>;
  readonly because: ReadonlyMap<string, { readonly because: string }>;
}

/** Advice that nothing was planned for; its costs are unknown and stand as 0. */
export function guessedAdvice(candidate: Candidate, evidence: GuessEvidence): CreateAdvice {
  const { input, relations, because } = evidence;
  const relation = relations.get(candidate.relation);
  if (relation === undefined) throw new RangeError("A candidate of an unknown table.");
  const size = estimateIndexSize(candidate, relation);
  const ddl = createDdl(candidate, relation, input.catalog);
  const statements = input.workload.statements
    .filter(({ id }) => candidate.statements.includes(id) && because.has(id))
    .map(({ id, share, calls, meanMs }) => {
      const untrusted = because.get(id)?.because ?? "Nothing could be planned.";
      return { id, share, calls, meanMs, costBefore: 0, costAfter: 0, untrusted };
    });
  return {
    ...base(candidate, relation, ddl),
    kind: "create",
    reason: reasonOf(candidate, statements),
    badge: "unverified",
    unverifiedBecause: statements[0]?.untrusted ?? "Nothing could be planned.",
    caveats: [
      ...ddl.caveats,
      ...caveatsOf(candidate, { input, source: "model" }, { upkeep: undefined, parallel: false }),
    ],
    candidate,
    replaces: [],
    statements,
    savedShare: 0,
    impact: "low",
    sizeBytes: size.bytes,
    buildMs: estimateBuildMs(candidate, relation, size.rows),
    writeShare: 0,
    losesHot: false,
  };
}
