/** A finding as text for people: in a terminal, in the message of a failed test. */
import { codeFrame, type Paint, PLAIN } from "./code-frame.ts";
import type { FindingKind, TraceFinding } from "./finding.ts";
import { shortStatement } from "./rules/text.ts";
import { siteText } from "./site.ts";
import { shownMs } from "./spent.ts";

const NAMES: Readonly<Record<FindingKind, string>> = {
  "n-plus-one": "N+1",
  duplicate: "duplicate query",
  serial: "serial independent queries",
  unbounded: "unbounded result",
  "select-everything": "SELECT *",
  budget: "too many statements",
};

/** Who awaits a lazy query is on no stack: the libraries that have such are the usual cause. */
const UNKNOWN =
  "a line that is not known (of Drizzle and Knex, observe(db) of hasten/postgres tells it)";

export interface ShownOptions {
  /** Files are named relative to it. @default process.cwd() */
  readonly root?: string;
  readonly paint?: Paint;
  /** Whether the lines of the source are shown. @default true */
  readonly code?: boolean;
}

/** Several lines, no values. */
export function findingText(finding: TraceFinding, options: ShownOptions = {}): string {
  const { root = process.cwd(), paint = PLAIN, code = true } = options;
  const { site, statement, evidence, fix, wastedMs } = finding;
  const saved = wastedMs > 0 ? `, about ${shownMs(wastedMs)} to save` : "";
  const lines = [
    `${paint.bad(NAMES[finding.kind])} in ${paint.bold(finding.trace)}${saved}`,
    `  ${shortStatement(statement)}`,
    `  at ${site === undefined ? UNKNOWN : siteText(site, root)}`,
  ];
  const frame = code && site !== undefined ? codeFrame(site, paint) : undefined;
  if (frame !== undefined) lines.push(indented(frame));
  for (const sentence of evidence) lines.push(`  ${sentence}`);
  lines.push(`  ${paint.bold("Fix:")} ${fix}`);
  return lines.join("\n");
}

const indented = (text: string): string => text.replaceAll(/^/gm, "    ");
