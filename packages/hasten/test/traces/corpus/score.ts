/** Precision, recall, and how often the place was right. */
import { placeOf, type Verdict } from "./judge.ts";

export interface Score {
  readonly wrong: number;
  readonly right: number;
  readonly problems: number;
  readonly found: number;
  readonly surplus: number;
  readonly placed: number;
  readonly precision: number;
  readonly recall: number;
  readonly place: number;
}

export function scoreOf(verdicts: readonly Verdict[]): Score {
  const matches = verdicts.flatMap((verdict) => verdict.matches);
  const found = matches.filter(({ finding }) => finding !== undefined).length;
  const placed = matches.filter((match) => match.placed).length;
  const surplus = verdicts.flatMap((verdict) => verdict.surplus).length;
  const right = verdicts.filter(({ handler }) => handler.problems.length === 0).length;
  return {
    ...{ wrong: verdicts.length - right, right, problems: matches.length, found, surplus, placed },
    precision: found + surplus === 0 ? 0 : found / (found + surplus),
    recall: found / matches.length,
    place: found === 0 ? 0 : placed / found,
  };
}

/** A line for each library and one for all, as in docs/n-plus-one.md. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const libraries = [...new Set(verdicts.map(({ library }) => library))];
  const rows = libraries.map((library) =>
    rowOf(library, scoreOf(verdicts.filter((verdict) => verdict.library === library))),
  );
  return [
    "| | wrong | right | problems | found | surplus | precision | recall | file and function |",
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ...rows,
    rowOf("all", scoreOf(verdicts)),
  ].join("\n");
}

function rowOf(name: string, score: Score): string {
  const { wrong, right, problems, found, surplus } = score;
  const shares = [score.precision, score.recall, score.place].map((share) => share.toFixed(3));
  return `| ${[name, wrong, right, problems, found, surplus, ...shares].join(" | ")} |`;
}

/** What differs from the labels, a line each. */
export function differencesOf(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap(({ library, handler, matches, surplus }) => [
    ...matches
      .filter(({ finding }) => finding === undefined)
      .map(({ problem }) => `missed: ${library}: ${handler.name}: ${problem.kind}`),
    ...matches
      .filter(({ finding, placed }) => finding !== undefined && !placed)
      .map(
        ({ problem, finding }) =>
          `misplaced: ${library}: ${handler.name}: ${placeOf(finding!)}, not ${problem.at.join(" or ")}`,
      ),
    ...surplus.map(
      (finding) =>
        `surplus: ${library}: ${handler.name}: ${finding.kind} at ${placeOf(finding)}: ${finding.statement}`,
    ),
  ]);
}
