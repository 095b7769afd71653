import type { Advice, CreateAdvice, StatementGain } from "../../choose/types.ts";
import {
  formatBytes,
  formatChange,
  formatCost,
  formatMs,
  formatShare,
  formatStatement,
  oneLine,
} from "../format.ts";
import type { Report } from "../types.ts";
import { adviceBadge, adviceTitle, hasCosts, noAdviceText, writeCostText } from "../words.ts";
import { costBars } from "./charts.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { chip, fact, paragraph, sqlBox } from "./parts.ts";

const ADVICE_MAX = 200;
const GAINS_MAX = 12;

export function adviceSection(report: Report): Markup {
  const { indexes } = report;
  if (indexes === undefined) return nothing;
  const shown = indexes.advice.slice(0, ADVICE_MAX);
  const gains = shown.flatMap((advice) => (advice.kind === "drop" ? [] : advice.statements));
  const scale = Math.max(0, ...gains.map(({ costBefore }) => costBefore));
  const texts = new Map(report.workload.statements.map(({ id, text }) => [id, text]));
  const more = indexes.advice.length - shown.length;
  return html`<section id="indexes" aria-labelledby="indexes-title">
<h2 id="indexes-title">Index advice</h2>
${shown.length === 0 ? paragraph(noAdviceText(report), "lead") : legend(scale)}
${shown.map((advice) => card(advice, scale, texts))}
${more > 0 ? paragraph(`And ${more} more: --json has them all.`, "note") : nothing}
</section>`;
}

const legend = (scale: number): Markup =>
  scale <= 0
    ? nothing
    : html`<p class="lead">Each was planned by PostgreSQL's own planner, before and after. Costs are in its unit; bars are on a logarithmic scale up to ${formatCost(scale)}.</p>
<p class="legend"><span><i class="b"></i>before</span><span><i class="a"></i>after</span></p>`;

function card(advice: Advice, scale: number, texts: ReadonlyMap<string, string>): Markup {
  return html`<article class="card">
<header><h3 class="mono">${adviceTitle(advice)}</h3>${chips(advice)}</header>
${paragraph(oneLine(advice.reason))}
${sqlBox(advice.ddl)}
${advice.kind === "drop" ? nothing : gainsOf(advice, scale, texts)}
<dl class="facts-row">${factsOf(advice)}</dl>
${advice.unverifiedBecause === undefined ? nothing : paragraph(sentence(adviceBadge(advice)), "note")}
${advice.caveats.map((caveat) => paragraph(`Mind: ${oneLine(caveat)}`, "note"))}
${undo(advice)}
</article>`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function chips(advice: Advice): Markup {
  if (advice.kind === "drop") return chip("", advice.because);
  const proven = advice.unverifiedBecause === undefined && advice.badge !== "unverified";
  const by = advice.badge === "hypopg" ? "HypoPG" : "the planner";
  const badge = proven ? chip("good", `verified by ${by}`) : chip("warning", "not verified");
  return html`${chip(advice.impact, `${advice.impact} impact`)}${badge}`;
}

function factsOf(advice: Advice): readonly Markup[] {
  if (advice.kind === "drop")
    return [
      fact("frees", formatBytes(advice.freedBytes)),
      fact("evidence", advice.evidence.map(oneLine).join(", ")),
    ];
  const saves =
    advice.savedShare > 0 ? [fact("saves", `${formatShare(advice.savedShare)} of the time`)] : [];
  return [
    ...saves,
    fact("size", `about ${formatBytes(advice.sizeBytes)}`),
    fact("built in", `about ${formatMs(advice.buildMs)}`),
    ...(advice.badge === "unverified" ? [] : [fact("added to writes", writeCostText(advice))]),
    fact("type", advice.type),
  ];
}

function gainsOf(
  { statements }: CreateAdvice,
  scale: number,
  texts: ReadonlyMap<string, string>,
): Markup {
  const more = statements.length - GAINS_MAX;
  return html`<ul class="gains">${statements.slice(0, GAINS_MAX).map((gain) => gainRow(gain, scale, texts))}</ul>
${more > 0 ? paragraph(`And ${more} more statements.`, "note") : nothing}`;
}

function gainRow(gain: StatementGain, scale: number, texts: ReadonlyMap<string, string>): Markup {
  const { costBefore, costAfter, share, untrusted } = gain;
  const text = formatStatement(texts.get(gain.id) ?? gain.id);
  const numbers = hasCosts(gain)
    ? html`<div class="small numbers">${formatCost(costBefore)} → ${formatCost(costAfter)} <b>${formatChange(costBefore, costAfter)}</b></div>${costBars(costBefore, costAfter, scale)}`
    : html`<div class="small muted">its cost is not known</div>`;
  const doubt = untrusted === undefined || !hasCosts(gain) ? "" : ` · ${oneLine(untrusted)}`;
  // A file of statements may say nothing of times.
  const mean = gain.meanMs > 0 ? `, ${formatMs(gain.meanMs)} a call` : "";
  return html`<li class="gain"><div><code class="statement" title="${text}">${text}</code><div class="small muted">${formatShare(share)} of the time${mean}${doubt}</div></div><div>${numbers}</div></li>`;
}

function undo({ rollback, cleanup }: Advice): Markup {
  if (rollback.length + cleanup.length === 0) return nothing;
  const interrupted =
    cleanup.length === 0
      ? nothing
      : html`${paragraph("If the build is interrupted, it leaves an invalid index behind:", "note")}${sqlBox(cleanup)}`;
  return html`<details><summary>To undo it</summary>${sqlBox(rollback)}${interrupted}</details>`;
}
