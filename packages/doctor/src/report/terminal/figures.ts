import { figuresOf } from "../figures.ts";
import { formatBytes, formatCount, formatShare, oneLine } from "../format.ts";
import type { Report } from "../types.ts";
import { cut, type Sheet } from "./pen.ts";

const TABLES_SHOWN = 5;
const LABEL = 30;
const VALUE = 12;
const NUMBER = 11;

export function writeFigures(sheet: Sheet, { figures }: Report): void {
  if (figures === undefined) return;
  const { pen, width } = sheet;
  const rows = figuresOf(figures);
  if (rows.length === 0) return;
  sheet.heading("In numbers");
  for (const { label, value, goal, good } of rows) {
    const shown = value.padEnd(VALUE);
    const aside = goal === undefined ? "" : pen("dim", `good ${goal}`);
    sheet.line(`  ${label.padEnd(LABEL)}${good ? shown : pen("yellow", shown)}${aside}`);
  }
  if (figures.tables.length === 0) return;
  sheet.line();
  const line = (cells: readonly string[], name: string): string =>
    `${cells.map((cell) => cell.padStart(NUMBER)).join("")}  ${name}`;
  sheet.line(pen("dim", line(["size", "rows", "dead"], "largest tables")));
  for (const table of figures.tables.slice(0, TABLES_SHOWN)) {
    const dead = formatShare(table.deadRows / Math.max(1, table.rows + table.deadRows));
    const cells = [formatBytes(table.bytes), formatCount(table.rows), dead];
    sheet.line(line(cells, cut(oneLine(table.table), width - NUMBER * cells.length - 2)));
  }
}
