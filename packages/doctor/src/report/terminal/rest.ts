import {
  formatCount,
  formatMs,
  formatShare,
  formatStatement,
  oneLine,
  plural,
  visible,
} from "../format.ts";
import { methodOf } from "../method.ts";
import type { Report } from "../types.ts";
import { PARTS } from "../words.ts";
import { cut, type Sheet, wrap } from "./pen.ts";

const STATEMENTS_SHOWN = 10;
const NOTES_MAX = 30;
const GRANTS_MAX = 20;
const COLUMNS = [8, 10, 10, 10] as const;
const INDENT = 2;

export function writeStatements(sheet: Sheet, { workload }: Report): void {
  const { statements, slowMs } = workload;
  if (statements.length === 0) return;
  const { pen, width } = sheet;
  sheet.heading(
    "Statements",
    workload.source === "file" ? "by weight" : `by time; slow is a mean above ${formatMs(slowMs)}`,
  );
  const columns: readonly number[] = workload.source === "file" ? COLUMNS.slice(0, 1) : COLUMNS;
  const room = width - columns.reduce((sum, column) => sum + column, 0) - INDENT;
  const row = (cells: readonly string[], text: string): string =>
    `${cells.map((cell, i) => cell.padStart(COLUMNS[i] ?? 0)).join("")}  ${text}`;
  if (workload.source !== "file")
    sheet.line(pen("dim", row(["time", "mean", "calls", "rows/call"], "").trimEnd()));
  for (const statement of statements.slice(0, STATEMENTS_SHOWN)) {
    const text = cut(formatStatement(statement.text), room);
    const { share, meanMs, calls, rows } = statement;
    if (workload.source === "file") {
      sheet.line(`${formatShare(share).padStart(COLUMNS[0])}  ${text}`);
      continue;
    }
    const numbers = [formatShare(share), formatMs(meanMs), formatCount(calls)];
    const line = row([...numbers, formatCount(rows / Math.max(1, calls))], text);
    sheet.line(meanMs > slowMs ? pen("red", line) : line);
  }
  const more = statements.length - STATEMENTS_SHOWN;
  if (more > 0)
    sheet.paragraph(
      pen(
        "dim",
        `${plural(more, "more", "more")}; --html lists the slowest, the most frequent and those that read most`,
      ),
      INDENT,
    );
}

export function writeCoverage(sheet: Sheet, report: Report): void {
  const { coverage, grants } = report;
  sheet.heading("What could be seen");
  for (const { part, share, missing } of coverage) {
    const lacks = missing.length === 0 ? "" : `: ${missing.map(oneLine).join("; ")}`;
    const [first = "", ...rest] = wrap(PARTS[part] + lacks, sheet.width - COLUMNS[0] - INDENT);
    sheet.line(`${formatShare(share).padStart(COLUMNS[0])}  ${first}`);
    for (const line of rest) sheet.line(" ".repeat(COLUMNS[0] + INDENT) + line);
  }
  if (grants.length === 0) return;
  sheet.line();
  sheet.paragraph("This lets the role see the rest; run it as the owner or a superuser:", INDENT);
  for (const grant of grants.slice(0, GRANTS_MAX)) sheet.sql(visible(grant), INDENT);
  if (grants.length > GRANTS_MAX)
    sheet.line(`  and ${grants.length - GRANTS_MAX} more: --json has them all`);
}

export function writeMethod(sheet: Sheet, report: Report): void {
  const sentences = methodOf(report);
  if (sentences.length === 0) return;
  sheet.heading("How this was found");
  for (const sentence of sentences.slice(0, NOTES_MAX)) sheet.paragraph(sentence, INDENT);
}
