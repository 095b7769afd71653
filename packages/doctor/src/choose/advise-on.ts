import type { Candidate, StatementFacts } from "../candidates/types.ts";
import { counted } from "./counted.ts";
import { guessedAdvice } from "./create.ts";
import { dropAdvice, droppable } from "./drop.ts";
import { guess } from "./heuristic.ts";
import type { AdviseInput, Thought } from "./input.ts";
import { prove } from "./prove.ts";
import type { AdviceResult } from "./types.ts";

/** Candidates that are planned at most: those whose statements have the most time. */
export const CANDIDATES_MAX = 1_000;

/** From candidates to advice. */
export async function adviseOn(input: AdviseInput, thought: Thought): Promise<AdviceResult> {
  const relations = new Map(input.catalog.relations.map((relation) => [relation.oid, relation]));
  const missing = new Map(input.missing.map(({ relation, because }) => [relation, because]));
  const candidates = heaviest(thought, CANDIDATES_MAX);
  const blind = blindFacts(input, thought, missing);
  const guesses = guess(
    [...blind.values()].map(({ facts }) => facts),
    candidates,
    relations,
  ).map((candidate) => guessedAdvice(candidate, { input, relations, because: blind }));
  const proven =
    input.planner === undefined
      ? undefined
      : await prove(input, {
          planner: counted(input.planner),
          relations,
          candidates: candidates.filter(({ relation }) => !missing.has(relation)),
          facts: thought.facts.filter(({ id }) => !blind.has(id)),
        });
  return {
    advice: [
      ...(proven?.creates ?? []),
      ...guesses,
      ...(proven?.drops ?? dropsWithoutPlanner(input)),
    ],
    considered: {
      statements: input.workload.statements.length,
      candidates: candidates.length,
      plans: proven?.plans ?? 0,
    },
    uncovered: [
      ...[...blind].map(([id, { because }]) => ({ id, because })),
      ...(proven?.matrix.refused ?? []),
    ],
    calibration: {
      compared: proven?.calibration.compared ?? 0,
      within10Percent: proven?.calibration.within10Percent ?? 0,
    },
    notes: notesOf(input, thought, candidates),
  };
}

/** Statements that read a table which the planner lacks. */
function blindFacts(
  input: AdviseInput,
  { facts }: Thought,
  missing: ReadonlyMap<number, string>,
): ReadonlyMap<string, { readonly facts: StatementFacts; readonly because: string }> {
  return new Map(
    facts.flatMap((each) => {
      const lacking = each.scans.find(({ relation }) => missing.has(relation));
      const because =
        input.planner === undefined
          ? "Nothing could be planned."
          : lacking && missing.get(lacking.relation);
      return because === undefined ? [] : [[each.id, { facts: each, because }] as const];
    }),
  );
}

function heaviest({ facts, candidates }: Thought, most: number): readonly Candidate[] {
  if (candidates.length <= most) return candidates;
  const shares = new Map(facts.map(({ id, share }) => [id, share]));
  const weight = ({ statements }: Candidate): number =>
    statements.reduce((sum, id) => sum + (shares.get(id) ?? 0), 0);
  return candidates.toSorted((a, b) => weight(b) - weight(a)).slice(0, most);
}

function dropsWithoutPlanner(input: AdviseInput): ReturnType<typeof dropAdvice> {
  const nothing = { catalog: input.catalog, used: new Set<string>(), replaced: new Set<number>() };
  return dropAdvice(droppable(nothing), { ...nothing, verified: new Map() });
}

function notesOf(
  input: AdviseInput,
  { candidates }: Thought,
  kept: readonly Candidate[],
): readonly string[] {
  return [
    ...(candidates.length > kept.length
      ? [
          `${kept.length} of ${candidates.length} candidates were planned: those of the statements with the most time.`,
        ]
      : []),
    ...(input.planner === undefined
      ? ["Nothing was planned: the advice follows rules of experience only."]
      : []),
  ];
}
