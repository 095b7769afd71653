import type { WorkStatement } from "../../workload/types.ts";
import { formatCount, formatMs, formatShare, formatStatement, plural } from "../format.ts";
import type { Report, WorkloadReport } from "../types.ts";
import { shareBar } from "./charts.ts";
import { html, type Markup, nothing } from "./markup.ts";

const BARS_MAX = 12;
const ROWS_MAX = 20;
const HOT_SHARE = 0.2;

type Shown = Omit<WorkStatement, "planText">;

export function statementsSection({ workload }: Report): Markup {
  const { statements, source, slowMs } = workload;
  if (statements.length === 0) return nothing;
  if (source === "file")
    return section(fileList(statements), "By the share that the weights in the file give them.");
  const tables = [
    table(workload, "The slowest by mean", workload.slowest),
    table(workload, "The most frequent", workload.mostFrequent),
    table(workload, "Those that read most from disk", workload.mostIo),
  ];
  return section(
    html`${timeBars(workload)}${tables}`,
    `By share of the time. A mean above ${formatMs(slowMs)} counts as slow.`,
  );
}

const section = (content: Markup, lead: string): Markup =>
  html`<section id="statements" aria-labelledby="statements-title"><h2 id="statements-title">Statements</h2><p class="lead">${lead}</p>${content}</section>`;

const fileList = (statements: readonly Shown[]): Markup =>
  html`<ol class="times">${statements.slice(0, ROWS_MAX).map(({ text, share }) => html`<li><span class="share">${formatShare(share)}</span><code>${formatStatement(text)}</code></li>`)}</ol>`;

function timeBars({ statements }: WorkloadReport): Markup {
  const items = statements
    .slice(0, BARS_MAX)
    .map(
      ({ share, text, meanMs, calls }) =>
        html`<li><span class="share">${formatShare(share)}</span><div>${shareBar(share, share >= HOT_SHARE)}<code>${formatStatement(text)}</code><div class="small muted">${formatMs(meanMs)} a call, ${plural(calls, "call")}</div></div></li>`,
    );
  const rest = statements.slice(BARS_MAX).reduce((sum, { share }) => sum + share, 0);
  const others =
    rest > 0
      ? html`<li><span class="share">${formatShare(rest)}</span><div>${shareBar(rest, false)}<div class="small muted">${statements.length - BARS_MAX} others</div></div></li>`
      : nothing;
  return html`<ol class="times" aria-label="Share of the time by statement">${items}${others}</ol>`;
}

function table(workload: WorkloadReport, title: string, ids: readonly string[]): Markup {
  const byId = new Map(workload.statements.map((statement) => [statement.id, statement]));
  const rows = ids.slice(0, ROWS_MAX).flatMap((id) => byId.get(id) ?? []);
  return html`<details><summary>${title}</summary><table>
<thead><tr><th class="text" scope="col">statement</th><th scope="col">time</th><th scope="col">mean</th><th scope="col">calls</th><th scope="col">rows/call</th><th scope="col">pages read</th><th scope="col">hit</th></tr></thead>
<tbody>${rows.map((statement) => row(statement, workload.slowMs))}</tbody></table></details>`;
}

function row(statement: Shown, slowMs: number): Markup {
  const { text, share, meanMs, calls, rows, blocksRead, blocksHit } = statement;
  const touched = blocksHit + blocksRead;
  const hit = touched === 0 ? "none read" : formatShare(blocksHit / touched);
  return html`<tr><td class="text"><code>${formatStatement(text)}</code></td><td data-label="time">${formatShare(share)}</td><td data-label="mean" class="${meanMs > slowMs ? "slow" : ""}">${formatMs(meanMs)}</td><td data-label="calls">${formatCount(calls)}</td><td data-label="rows/call">${formatCount(rows / Math.max(1, calls))}</td><td data-label="pages read">${formatCount(blocksRead)}</td><td data-label="hit">${hit}</td></tr>`;
}
