import type { Report } from "../types.ts";
import { writeAdvice } from "./advice.ts";
import { writeFigures } from "./figures.ts";
import { writeFindings } from "./findings.ts";
import { writeHead } from "./head.ts";
import { openSheet } from "./pen.ts";
import { writePlans } from "./plans.ts";
import { writeCoverage, writeMethod, writeStatements } from "./rest.ts";

export const WIDTH_MIN = 60;
export const WIDTH_MAX = 200;

export interface TerminalOptions {
  /** Columns, taken into 60 to 200. SQL is never broken, so that it can be copied. */
  readonly width: number;
  readonly color: boolean;
}

/** The report for a terminal. */
export function terminalReport(report: Report, { width, color }: TerminalOptions): string {
  const sheet = openSheet(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, width)), color);
  writeHead(sheet, report);
  writeAdvice(sheet, report);
  writeFindings(sheet, report);
  writeStatements(sheet, report);
  writePlans(sheet, report);
  writeFigures(sheet, report);
  writeCoverage(sheet, report);
  writeMethod(sheet, report);
  return sheet.text();
}
