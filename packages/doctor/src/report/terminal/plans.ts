import { planTree } from "../../plans/tree/terminal.ts";
import { formatStatement } from "../format.ts";
import type { Report } from "../types.ts";
import { cut, type Sheet } from "./pen.ts";

const PLANS_SHOWN = 3;

/** Of a whole run the plans in which something was found, of `--explain` the one asked for. */
export function writePlans(sheet: Sheet, { plans, workload }: Report): void {
  const telling = plans.filter(({ id, findings }) => id === "explain" || findings.length > 0);
  if (telling.length === 0) return;
  const { pen, width } = sheet;
  const texts = new Map(workload.statements.map(({ id, text }) => [id, text]));
  sheet.heading("Plans", "▶ is where the time goes");
  for (const { id, plan, findings } of telling.slice(0, PLANS_SHOWN)) {
    const text = texts.get(id);
    if (text !== undefined) sheet.line(pen("bold", cut(formatStatement(text), width)));
    for (const line of planTree(plan, findings, { width, color: sheet.color }).split("\n"))
      sheet.line(line);
    sheet.line();
  }
  const more = telling.length - PLANS_SHOWN;
  if (more > 0) sheet.paragraph(pen("dim", `${more} more: --html draws them all`), 2);
}
