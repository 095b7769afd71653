import type { Advice, CreateAdvice, DropAdvice } from "../../choose/types.ts";
import {
  formatBytes,
  formatChange,
  formatCost,
  formatMs,
  formatShare,
  formatStatement,
  oneLine,
  plural,
  visible,
} from "../format.ts";
import type { Report } from "../types.ts";
import { adviceBadge, adviceTitle, hasCosts, writeCostText } from "../words.ts";
import { cut, type Ink, padEnd, type Sheet, shownLength } from "./pen.ts";

const ADVICE_MAX = 30;
const GAINS_MAX = 4;
const INDENT = 4;
const COSTS = 34;
const SPACE = "   ";

const IMPACT: Readonly<Record<CreateAdvice["impact"], Ink>> = {
  high: "red",
  medium: "yellow",
  low: "dim",
};

export function writeAdvice(sheet: Sheet, report: Report): void {
  const { indexes } = report;
  if (indexes === undefined) return;
  sheet.heading("Index advice", indexes.advice.length === 0 ? "none" : undefined);
  const texts = new Map(report.workload.statements.map(({ id, text }) => [id, text]));
  indexes.advice.slice(0, ADVICE_MAX).forEach((advice, at) => {
    writeOne(sheet, advice, { at: at + 1, texts });
    sheet.line();
  });
  if (indexes.advice.length > ADVICE_MAX)
    sheet.line(`    and ${indexes.advice.length - ADVICE_MAX} more: --html or --json has them all`);
}

interface Place {
  readonly at: number;
  readonly texts: ReadonlyMap<string, string>;
}

function writeOne(sheet: Sheet, advice: Advice, { at, texts }: Place): void {
  const { pen } = sheet;
  writeTitle(sheet, `${`${at}`.padStart(2)}  ${pen("bold", adviceTitle(advice))}`, advice);
  sheet.paragraph(oneLine(advice.reason), INDENT);
  sheet.line();
  for (const statement of advice.ddl) sheet.sql(visible(statement), INDENT);
  sheet.line();
  if (advice.kind === "drop") writeDrop(sheet, advice);
  else writeGains(sheet, advice, texts);
  for (const caveat of advice.caveats) sheet.paragraph(`Mind: ${oneLine(caveat)}`, INDENT);
  const aside = (label: string, statement: string): void =>
    sheet.line(`${" ".repeat(INDENT)}${pen("dim", `${label}  ${visible(statement)}`)}`);
  for (const undo of advice.rollback)
    aside(advice.cleanup.includes(undo) ? "undo, or if the build is interrupted" : "undo", undo);
  for (const clean of advice.cleanup)
    if (!advice.rollback.includes(clean)) aside("if the build is interrupted", clean);
}

function writeTitle(sheet: Sheet, title: string, advice: Advice): void {
  const aside = asideOf(sheet, advice);
  const together = title + SPACE + aside;
  const fits = shownLength(together) <= sheet.width;
  sheet.line(fits ? together : title);
  if (!fits) sheet.paragraph(aside, INDENT);
}

function asideOf({ pen }: Sheet, advice: Advice): string {
  if (advice.kind === "drop") return pen("dim", `frees ${formatBytes(advice.freedBytes)}`);
  const saved = advice.savedShare > 0 ? ` saves ${formatShare(advice.savedShare)} of the time` : "";
  return `${pen(IMPACT[advice.impact], advice.impact)}${pen("dim", ` ${oneLine(advice.type)}${saved}`)}`;
}

function writeDrop(sheet: Sheet, { evidence, badge }: DropAdvice): void {
  const because = evidence.length === 0 ? badge : evidence.map(oneLine).join(", ");
  sheet.paragraph(`Evidence: ${because}`, INDENT);
}

function writeGains(sheet: Sheet, advice: CreateAdvice, texts: ReadonlyMap<string, string>): void {
  const { pen, width } = sheet;
  for (const gain of advice.statements.slice(0, GAINS_MAX)) {
    const text = formatStatement(texts.get(gain.id) ?? gain.id);
    const costs = hasCosts(gain)
      ? `cost ${formatCost(gain.costBefore)} → ${pen("green", formatCost(gain.costAfter))}  ${formatChange(gain.costBefore, gain.costAfter)}`
      : pen("dim", "cost not known");
    const left = `${" ".repeat(INDENT)}${padEnd(costs, COSTS)}`;
    sheet.line(left + pen("dim", cut(text, width - INDENT - COSTS)));
  }
  const more = advice.statements.length - GAINS_MAX;
  if (more > 0) sheet.line(`    and ${plural(more, "more statement")}`);
  const mark = advice.unverifiedBecause === undefined ? pen("green", "✓") : pen("yellow", "?");
  const about = [
    adviceBadge(advice),
    `about ${formatBytes(advice.sizeBytes)}`,
    `built in about ${formatMs(advice.buildMs)}`,
    // Nothing was planned, so what writes cost is not known either.
    ...(advice.badge === "unverified" ? [] : [`adds to writes: ${writeCostText(advice)}`]),
  ];
  sheet.paragraph(`${mark} ${about.join(" · ")}`, INDENT);
}
