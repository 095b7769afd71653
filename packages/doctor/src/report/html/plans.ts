import { planTreeHtml } from "../../plans/tree/html.ts";
import type { PlanReport } from "../../plans/types.ts";
import { formatStatement } from "../format.ts";
import type { Report } from "../types.ts";
import { html, type Markup, nothing, trusted } from "./markup.ts";

const PLANS_MAX = 50;

export function plansSection({ plans, workload }: Report): Markup {
  if (plans.length === 0) return nothing;
  const texts = new Map(workload.statements.map(({ id, text }) => [id, text]));
  return html`<section id="plans" aria-labelledby="plans-title">
<h2 id="plans-title">Plans</h2>
<p class="lead">How the server goes about the heaviest statements. The path on which the time goes is marked.</p>
${plans.slice(0, PLANS_MAX).map((plan, at) => one(plan, texts.get(plan.id), at === 0))}
</section>`;
}

function one({ plan, findings }: PlanReport, text: string | undefined, open: boolean): Markup {
  const tree = html`<div class="plan">${trusted(planTreeHtml(plan, findings))}</div>`;
  if (text === undefined) return html`<div class="card">${tree}</div>`;
  const title = html`<summary><code>${formatStatement(text)}</code></summary>`;
  return open || findings.length > 0
    ? html`<details class="card plan-card" open>${title}${tree}</details>`
    : html`<details class="card plan-card">${title}${tree}</details>`;
}
