import { formatTime, oneLine } from "../format.ts";
import type { Report, Score } from "../types.ts";
import { costText, isJudged, subjectOf, summaryOf, UNJUDGED, windowText } from "../words.ts";
import { type Ink, type Sheet, wrap } from "./pen.ts";

const INKS: Readonly<Record<Score["word"], Ink>> = {
  healthy: "green",
  degraded: "yellow",
  critical: "red",
};
const BAR_CELLS = 30;
const INDENT = 2;
const POINTS = 6;

export function writeHead(sheet: Sheet, report: Report): void {
  const { pen } = sheet;
  const { name, facts } = subjectOf(report);
  sheet.paragraph(`${pen("bold", name)}, ${facts}`, 0);
  for (const line of wrap(factsOf(report), sheet.width)) sheet.line(pen("dim", line));
  sheet.line();
  if (isJudged(report)) writeScore(sheet, report.score);
  else sheet.paragraph(UNJUDGED, INDENT);
  sheet.line();
  sheet.paragraph(summaryOf(report).join(" "), INDENT);
}

const factsOf = (report: Report): string =>
  [formatTime(report.generatedAt), windowText(report.workload), costText(report)].join(" · ");

function writeScore(sheet: Sheet, { value, word, deductions }: Score): void {
  const { pen } = sheet;
  const ink = INKS[word];
  const full = Math.round((value / 100) * BAR_CELLS);
  const bar = pen(ink, "█".repeat(full)) + pen("dim", "░".repeat(BAR_CELLS - full));
  sheet.line(`${" ".repeat(INDENT)}${pen("bold", pen(ink, `${value}`))} ${pen(ink, word)}  ${bar}`);
  for (const { points, because } of deductions) {
    const [first = "", ...rest] = wrap(oneLine(because), sheet.width - INDENT - POINTS);
    sheet.line(`${" ".repeat(INDENT)}${`−${points}`.padEnd(POINTS)}${first}`);
    for (const line of rest) sheet.line(" ".repeat(INDENT + POINTS) + line);
  }
}
