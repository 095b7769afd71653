import { escapeHtml, formatShare } from "../../text.ts";
import type { Plan, PlanFinding } from "../types.ts";
import { type TreeRow, treeRows } from "./rows.ts";
import { heading, ownText, rowsText } from "./terminal.ts";
import { oneLine } from "./text.ts";

/** Levels that are drawn as lists within lists; deeper ones stay at this depth. */
const DEPTH_MAX = 60;

/**
 * The plan as markup with classes, for a page that has {@link PLAN_TREE_CSS}: nested lists whose
 * nodes fold without a script. Holds no style attribute, no id and no constant of a condition.
 */
export function planTreeHtml(plan: Plan, findings: readonly PlanFinding[]): string {
  const { rows, left } = treeRows(plan, findings);
  const unit = plan.analyzed ? "own time" : "own cost";
  const parts = [
    `<div class="plan-tree"><p class="plan-total">${escaped(heading(plan))} `,
    `<span class="plan-key">${unit} · share · rows found of expected</span></p>`,
    `<ul>${nested(plan, rows)}</ul>`,
    left > 0 ? `<p class="plan-more">${left} more nodes are not shown.</p>` : "",
    "</div>",
  ];
  return parts.join("");
}

/** Children come right after their parents, so one pass opens and closes the lists. */
function nested(plan: Plan, rows: readonly TreeRow[]): string {
  const parts: string[] = [];
  let open = -1;
  for (const row of rows) {
    const depth = Math.min(row.node.depth, DEPTH_MAX);
    for (; open >= depth; open -= 1) parts.push("</ul></details></li>");
    parts.push(opened(plan, row), "<ul>");
    open = depth;
  }
  for (; open >= 0; open -= 1) parts.push("</ul></details></li>");
  return parts.join("").replaceAll("<ul></ul>", "");
}

function opened(plan: Plan, row: TreeRow): string {
  const classes = ["plan-node"];
  if (row.hot) classes.push("plan-hot");
  if (row.actual === undefined && plan.analyzed) classes.push("plan-unrun");
  const figures = [
    `<span class="plan-own">${ownText(plan, row.node)}</span>`,
    bar(row.share),
    `<span class="plan-share">${formatShare(row.share)}</span>`,
    `<span class="plan-rows${row.off === undefined ? "" : " plan-off"}">${rowsText(row)}</span>`,
  ];
  return [
    `<li class="${classes.join(" ")}"><details open><summary>`,
    `<span class="plan-name"><b>${escaped(row.type)}</b> ${escaped(row.object)}</span>`,
    `<span class="plan-figures">${figures.join("")}</span></summary>`,
    findingsOf(row),
    detailsOf(row),
  ].join("");
}

function bar(share: number): string {
  const width = Math.round(Math.min(Math.max(share, 0), 1) * 1000) / 10;
  const track = '<rect class="plan-track" width="100" height="8"/>';
  const value = `<rect class="plan-value" width="${width}" height="8"/>`;
  return `<svg class="plan-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${track}${value}</svg>`;
}

function findingsOf(row: TreeRow): string {
  if (row.findings.length === 0) return "";
  const items = row.findings.map(
    ({ severity, title }) =>
      `<li class="plan-${severity}"><b>${severity}</b> ${escaped(title)}</li>`,
  );
  return `<ul class="plan-findings">${items.join("")}</ul>`;
}

function detailsOf(row: TreeRow): string {
  if (row.details.length === 0) return "";
  const items = row.details.map(
    ({ label, text }) => `<div><dt>${escaped(label)}</dt><dd>${escaped(text)}</dd></div>`,
  );
  return `<dl class="plan-details">${items.join("")}</dl>`;
}

const escaped = (text: string): string => escapeHtml(oneLine(text));
