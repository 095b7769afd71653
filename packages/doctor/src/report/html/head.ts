import { formatTime, oneLine } from "../format.ts";
import type { Report } from "../types.ts";
import { costText, isJudged, subjectOf, summaryOf, UNJUDGED, windowText } from "../words.ts";
import { scoreRing } from "./charts.ts";
import { html, type Markup, nothing } from "./markup.ts";

export function headOf(report: Report): Markup {
  const { score, generatedAt } = report;
  const { name, facts } = subjectOf(report);
  return html`<header class="top">
<div>
<p class="eyebrow">hasten-doctor · <time datetime="${generatedAt}">${formatTime(generatedAt)}</time></p>
<h1>${name}</h1>
<p class="facts">${facts}<br>${windowText(report.workload)}</p>
</div>
${isJudged(report) ? scoreRing(score) : html`<p class="facts">${UNJUDGED}</p>`}
<p class="summary">${summaryOf(report).join(" ")}</p>
</header>
${deductionsOf(report)}
${navOf(report)}`;
}

function deductionsOf({ score: { deductions } }: Report): Markup {
  if (deductions.length === 0) return nothing;
  const items = deductions.map(
    ({ points, because }) => html`<li><b>−${points}</b><span>${oneLine(because)}</span></li>`,
  );
  return html`<ul class="deductions" aria-label="What was taken off the score">${items}</ul>`;
}

function navOf({ indexes, findings, workload, plans, figures }: Report): Markup {
  const link = (to: string, text: string, count: number | undefined): Markup =>
    html`<a href="#${to}">${text}${count === undefined ? nothing : html` <span>${count}</span>`}</a>`;
  return html`<nav aria-label="Sections">
${indexes === undefined ? nothing : link("indexes", "Index advice", indexes.advice.length)}
${link("findings", "Findings", findings.length)}
${workload.statements.length === 0 ? nothing : link("statements", "Statements", workload.statements.length)}
${plans.length === 0 ? nothing : link("plans", "Plans", plans.length)}
${figures === undefined ? nothing : link("figures", "In numbers", undefined)}
${link("coverage", "What could be seen", undefined)}
${link("method", "How this was found", undefined)}
</nav>`;
}

export const footOf = (report: Report): Markup =>
  html`<footer>The run ${costText(report)}. Nothing was written or changed there. This page holds no value of data and asks nothing of the network.</footer>`;
