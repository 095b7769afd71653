import { visible } from "../format.ts";
import { html, type Markup, nothing } from "./markup.ts";

/** SQL in a box with a button that copies it. */
export function sqlBox(statements: readonly string[]): Markup {
  if (statements.length === 0) return nothing;
  return html`<div class="sql"><button type="button" class="copy" hidden>Copy</button><pre><code>${statements.map(visible).join("\n")}</code></pre></div>`;
}

export const chip = (kind: string, text: string): Markup =>
  html`<span class="chip ${kind}">${text}</span>`;

export const fact = (label: string, value: string): Markup =>
  html`<div><dt>${label}</dt><dd>${value}</dd></div>`;

export const paragraph = (text: string, kind = ""): Markup => html`<p class="${kind}">${text}</p>`;
