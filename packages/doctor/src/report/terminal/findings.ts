import type { DoctorFinding, Severity } from "../../finding.ts";
import { formatEvidence, oneLine, visible } from "../format.ts";
import type { Report } from "../types.ts";
import { type Ink, type Sheet, wrap } from "./pen.ts";

const FINDINGS_MAX = 40;
const INDENT = 4;

const MARKS: Readonly<Record<Severity, readonly [Ink, string]>> = {
  critical: ["red", "✗"],
  warning: ["yellow", "!"],
  info: ["blue", "i"],
};

export function writeFindings(sheet: Sheet, { findings }: Report): void {
  sheet.heading("Findings", findings.length === 0 ? "none" : "the worst first");
  for (const finding of findings.slice(0, FINDINGS_MAX)) {
    writeOne(sheet, finding);
    sheet.line();
  }
  if (findings.length > FINDINGS_MAX)
    sheet.line(`    and ${findings.length - FINDINGS_MAX} more: --html or --json has them all`);
}

function writeOne(sheet: Sheet, finding: DoctorFinding): void {
  const { pen, width } = sheet;
  const [ink, mark] = MARKS[finding.severity];
  const [first = "", ...rest] = wrap(oneLine(finding.title), width - INDENT);
  sheet.line(` ${pen(ink, mark)}  ${pen("bold", first)}`);
  for (const line of rest) sheet.line(" ".repeat(INDENT) + pen("bold", line));
  sheet.paragraph(pen("dim", evidenceOf(finding)), INDENT);
  sheet.paragraph(oneLine(finding.why), INDENT);
  const { fix } = finding;
  if (fix.kind === "advice") sheet.paragraph(`→ ${oneLine(fix.text)}`, INDENT);
  else {
    for (const statement of fix.statements) sheet.sql(visible(statement), INDENT);
    if (fix.note !== undefined) sheet.paragraph(oneLine(fix.note), INDENT);
  }
}

const evidenceOf = ({ id, subject, evidence }: DoctorFinding): string =>
  [
    oneLine(subject),
    ...evidence.map((piece) => `${oneLine(piece.label)} ${formatEvidence(piece)}`),
    id,
  ].join(" · ");
