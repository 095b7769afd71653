import type { DoctorFinding, Severity } from "../../finding.ts";
import { formatEvidence, oneLine } from "../format.ts";
import type { Report } from "../types.ts";
import { SEVERITIES } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { fact, paragraph, sqlBox } from "./parts.ts";

const FINDINGS_MAX = 500;

const GROUPS: Readonly<Record<Severity, string>> = {
  critical: "Critical",
  warning: "Warnings",
  info: "Good to know",
};

export function findingsSection({ findings }: Report): Markup {
  const shown = findings.slice(0, FINDINGS_MAX);
  const more = findings.length - shown.length;
  return html`<section id="findings" aria-labelledby="findings-title">
<h2 id="findings-title">Findings</h2>
${shown.length === 0 ? paragraph("None.", "lead") : nothing}
${SEVERITIES.map((severity) =>
  group(
    severity,
    shown.filter((finding) => finding.severity === severity),
  ),
)}
${more > 0 ? paragraph(`And ${more} more: --json has them all.`, "note") : nothing}
</section>`;
}

function group(severity: Severity, findings: readonly DoctorFinding[]): Markup {
  if (findings.length === 0) return nothing;
  const cards = findings.map(card);
  const heading = `${GROUPS[severity]} (${findings.length})`;
  return severity === "info"
    ? html`<details class="group-info"><summary class="group">${heading}</summary>${cards}</details>`
    : html`<p class="group" role="heading" aria-level="3">${heading}</p>${cards}`;
}

function card({ id, severity, title, subject, evidence, why, fix }: DoctorFinding): Markup {
  const facts = evidence.map((piece) => fact(oneLine(piece.label), formatEvidence(piece)));
  const note = fix.kind === "sql" ? fix.note : undefined;
  return html`<article class="card finding ${severity}">
<h4>${oneLine(title)}</h4>
${paragraph(oneLine(why))}
${facts.length === 0 ? nothing : html`<dl class="facts-row">${facts}</dl>`}
${fix.kind === "sql" ? sqlBox(fix.statements) : paragraph(`→ ${oneLine(fix.text)}`)}
${note === undefined ? nothing : paragraph(oneLine(note), "note")}
<p class="small muted mono">${oneLine(subject)} · ${id}</p>
</article>`;
}
