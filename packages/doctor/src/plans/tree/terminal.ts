import { formatCost, formatCount, formatMs, formatShare } from "../../text.ts";
import type { Plan, PlanFinding, PlanNode } from "../types.ts";
import { type TreeRow, treeRows } from "./rows.ts";
import { cut, oneLine } from "./text.ts";

export interface TreeOptions {
  /** Columns of the terminal; 40 at least are used. @default 80 */
  readonly width?: number;
  /** Whether escape codes for colour may be written. @default false */
  readonly color?: boolean;
}

const WIDTH_MIN = 40;
const BAR_WIDTH = 10;
const TIME_WIDTH = 10;
const SHARE_WIDTH = 8;
const ROWS_WIDTH = 30;
/** Below this, a node's numbers stand on a line of their own. */
const WIDE = 96;
const EIGHTHS = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

type Ink = "bold" | "dim" | "red" | "yellow" | "blue";
const INKS: Readonly<Record<Ink, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  blue: [34, 39],
};
/** Marks text, or leaves it as it is. */
type Pen = (ink: Ink, text: string) => string;

function penOf(color: boolean): Pen {
  if (!color) return (_ink, text) => text;
  return (ink, text) => `\u001b[${INKS[ink][0]}m${text}\u001b[${INKS[ink][1]}m`;
}

interface Drawing {
  readonly plan: Plan;
  readonly pen: Pen;
  readonly width: number;
  readonly lines: string[];
}

/**
 * The plan as a tree for a terminal: own time and its share, rows expected and found, the way to
 * where the time goes marked by ▶, and each finding below its node. Ends without a newline.
 */
export function planTree(
  plan: Plan,
  findings: readonly PlanFinding[],
  options: TreeOptions = {},
): string {
  const width = Math.max(Math.floor(options.width ?? 80), WIDTH_MIN);
  const drawing: Drawing = { plan, width, pen: penOf(options.color ?? false), lines: [] };
  const { rows, left } = treeRows(plan, findings);
  drawing.lines.push(drawing.pen("dim", cut(heading(plan), width)));
  for (const row of rows) draw(drawing, row);
  if (left > 0) drawing.lines.push(`… ${left} more nodes`);
  return drawing.lines.join("\n");
}

/** What the whole took, above the tree. */
export function heading(plan: Plan): string {
  if (!plan.analyzed) return `Not run; estimated cost ${formatCost(plan.root.cost.total)}`;
  const parts = [
    plan.executionMs === undefined ? undefined : `Execution ${formatMs(plan.executionMs)}`,
    plan.planningMs === undefined ? undefined : `planning ${formatMs(plan.planningMs)}`,
    plan.jitMs === undefined ? undefined : `compiling ${formatMs(plan.jitMs)}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "Run" : parts.join(" · ");
}

/** "1,200 of 30 expected, 40× off, 5 loops" */
export function rowsText(row: TreeRow): string {
  const estimated = `${formatCount(row.estimated)} expected`;
  if (row.actual === undefined) return estimated;
  const off = row.off === undefined ? "" : `, ${formatCount(row.off)}× off`;
  const loops = row.loops > 1 ? `, ${formatCount(row.loops)} loops` : "";
  return `${formatCount(row.actual)} of ${estimated}${off}${loops}`;
}

/** Own time, or own cost when it was not run. */
export function ownText(plan: Plan, node: PlanNode): string {
  if (!plan.analyzed) return formatCost(node.cost.own);
  return node.actual === undefined ? "never run" : formatMs(node.actual.ownMs);
}

function draw(drawing: Drawing, row: TreeRow): void {
  const { pen, width, lines } = drawing;
  const { own, below } = indents(row.node, Math.floor(width / 3));
  const label = `${row.hot ? "▶ " : ""}${oneLine(row.type)}${row.object === "" ? "" : ` ${oneLine(row.object)}`}`;
  const ink = (text: string): string => (row.hot ? pen("bold", text) : text);
  if (width >= WIDE) {
    const room = width - TIME_WIDTH - BAR_WIDTH - SHARE_WIDTH - ROWS_WIDTH - 3;
    const name = cut(label, room - own.length);
    const gap = " ".repeat(Math.max(room - own.length - [...name].length, 0));
    lines.push(`${pen("dim", own)}${ink(name)}${gap} ${figures(drawing, row)}`.trimEnd());
  } else {
    lines.push(pen("dim", own) + ink(cut(label, width - own.length)));
    lines.push(pen("dim", below) + figures(drawing, row, width - below.length));
  }
  const beneath = width - below.length;
  for (const { label: name, text } of row.details)
    lines.push(pen("dim", below + cut(`${name}: ${oneLine(text)}`, beneath)));
  for (const finding of row.findings) {
    const mark = finding.severity === "info" ? "·" : "!";
    const title = cut(`${mark} ${finding.severity}: ${oneLine(finding.title)}`, beneath);
    lines.push(pen("dim", below) + pen(inkOf(finding), title));
  }
}

function inkOf(finding: PlanFinding): "red" | "yellow" | "blue" {
  if (finding.severity === "critical") return "red";
  return finding.severity === "warning" ? "yellow" : "blue";
}

function figures(drawing: Drawing, row: TreeRow, room?: number): string {
  const { pen, plan } = drawing;
  const rows = rowsText(row);
  const own = ownText(plan, row.node);
  const share = formatShare(row.share);
  if (room !== undefined) {
    const line = cut(`${own}  ${share}  ${rows}`, room);
    return row.off === undefined ? line : pen("yellow", line);
  }
  const bar = barOf(row.share);
  const told = cut(rows, ROWS_WIDTH);
  return [
    own.padStart(TIME_WIDTH),
    row.hot ? pen("red", bar) : bar,
    share.padStart(SHARE_WIDTH - 1),
    row.off === undefined ? told : pen("yellow", told),
  ].join(" ");
}

function barOf(share: number): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * BAR_WIDTH * 8);
  const full = "█".repeat(Math.floor(eighths / 8));
  const rest = eighths % 8 === 0 ? "" : (EIGHTHS[eighths % 8] ?? "");
  return (full + rest).padEnd(BAR_WIDTH);
}

/** Lines that join a node to its parent and its siblings; of a deep plan the nearest levels. */
function indents(node: PlanNode, room: number): { own: string; below: string } {
  const levels: string[] = [];
  for (let at: PlanNode | undefined = node.parent; at?.parent !== undefined; at = at.parent)
    levels.unshift(isLast(at) ? "  " : "│ ");
  const kept = Math.max(Math.floor(room / 2) - 2, 1);
  const cutOff = levels.length > kept;
  const near = (cutOff ? ["⋯ ", ...levels.slice(-kept)] : levels).join("");
  const children = node.children.length > 0 ? "│ " : "  ";
  if (node.parent === undefined) return { own: "", below: children };
  const own = near + (isLast(node) ? "└ " : "├ ");
  return { own, below: near + (isLast(node) ? "  " : "│ ") + children };
}

function isLast(node: PlanNode): boolean {
  return node.parent?.children.at(-1) === node;
}
