import type { TableFigure } from "../../health/types.ts";
import { type Figure, figuresOf } from "../figures.ts";
import { formatBytes, formatCount, formatShare, oneLine } from "../format.ts";
import type { Report } from "../types.ts";
import { html, type Markup, nothing } from "./markup.ts";

const TABLES_MAX = 20;

export function figuresSection({ figures }: Report): Markup {
  if (figures === undefined) return nothing;
  const rows = figuresOf(figures);
  if (rows.length === 0) return nothing;
  const tables = figures.tables.slice(0, TABLES_MAX);
  return html`<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">In numbers</h2>
<dl class="figures">${rows.map(tile)}</dl>
${tables.length === 0 ? nothing : largest(tables)}
</section>`;
}

const tile = ({ label, value, goal, good }: Figure): Markup =>
  html`<div class="${good ? "" : "off"}"><dt>${label}</dt><dd>${value}</dd>${goal === undefined ? nothing : html`<dd class="small muted">good ${goal}</dd>`}</div>`;

const largest = (tables: readonly TableFigure[]): Markup =>
  html`<details><summary>The largest tables</summary><table>
<thead><tr><th class="text" scope="col">table</th><th scope="col">size</th><th scope="col">rows</th><th scope="col">dead</th><th scope="col">read whole</th><th scope="col">index scans</th></tr></thead>
<tbody>${tables.map(row)}</tbody></table></details>`;

function row({ table, bytes, rows, deadRows, sequentialScans, indexScans }: TableFigure): Markup {
  const dead = formatShare(deadRows / Math.max(1, rows + deadRows));
  return html`<tr><td class="text"><code>${oneLine(table)}</code></td><td data-label="size">${formatBytes(bytes)}</td><td data-label="rows">${formatCount(rows)}</td><td data-label="dead">${dead}</td><td data-label="read whole">${formatCount(sequentialScans)}</td><td data-label="index scans">${formatCount(indexScans)}</td></tr>`;
}
