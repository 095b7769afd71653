import { formatShare, oneLine } from "../format.ts";
import { methodOf } from "../method.ts";
import type { Report } from "../types.ts";
import { PARTS } from "../words.ts";
import { shareBar } from "./charts.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { paragraph, sqlBox } from "./parts.ts";

export function coverageSection({ coverage, grants }: Report): Markup {
  const items = coverage.map(
    ({ part, share, missing }) =>
      html`<li><b>${formatShare(share)}</b><div>${PARTS[part]}${shareBar(share, false)}${missing.map((what) => html`<div class="small muted">${oneLine(what)}</div>`)}</div></li>`,
  );
  return html`<section id="coverage" aria-labelledby="coverage-title">
<h2 id="coverage-title">What could be seen</h2>
<p class="lead">What could not be seen is not counted as healthy.</p>
<ul class="coverage">${items}</ul>
${grants.length === 0 ? nothing : html`${paragraph("This lets the role see the rest; run it as the owner or a superuser:", "lead")}${sqlBox(grants)}`}
</section>`;
}

export function methodSection(report: Report): Markup {
  const sentences = methodOf(report);
  if (sentences.length === 0) return nothing;
  return html`<section id="method" aria-labelledby="method-title">
<h2 id="method-title">How this was found</h2>
<ul class="method">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>
</section>`;
}
