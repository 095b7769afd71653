import type { RawPlan } from "../model/types.ts";
import { exclusive, ownCosts, processesOf, ROUNDING_MS } from "./arithmetic.ts";
import type { Entry } from "./entry.ts";
import { rawName, rawNumber } from "./fields.ts";
import type { Blocks, NodeActual, Plan, PlanNode } from "./types.ts";

/** Nodes of a plan that is read at most; a larger one is not read. */
export const PLAN_NODES_MAX = 50_000;
/** Levels of a plan that is read at most. */
export const PLAN_DEPTH_MAX = 1_000;
/** Characters of a plan's text at most. */
export const PLAN_TEXT_MAX = 50_000_000;

/**
 * Reads what `EXPLAIN (FORMAT JSON)` gives, with or without `ANALYZE`: the array that it prints,
 * its only element, what auto_explain logs, the bare plan node, or any of these as text, which may
 * have auto_explain's "duration: … plan:" in front.
 * @returns undefined when it is none of these, or larger than the bounds above
 */
export function readPlan(json: unknown): Plan | undefined {
  const document = documentOf(typeof json === "string" ? parsed(json) : json);
  if (document === undefined) return undefined;
  const entries = entriesOf(document.plan);
  if (entries === undefined) return undefined;
  const outer = document.outer;
  const analyzed = entries.some((entry) => "Actual Loops" in entry.raw);
  const executionMs = rawNumber(outer, "Execution Time");
  const nodes = nodesOf(entries, analyzed, executionMs);
  const root = nodes[0];
  if (root === undefined) return undefined;
  return {
    root,
    nodes,
    analyzed,
    planningMs: rawNumber(outer, "Planning Time"),
    executionMs,
    jitMs: jitOf(outer),
    triggers: triggersOf(outer),
    settings: settingsOf(outer),
  };
}

/** From the first bracket to the last, without the "+" and "(1 row)" of psql's aligned output. */
export function planText(text: string): string {
  const end = Math.max(text.lastIndexOf("]"), text.lastIndexOf("}"));
  return text.slice(Math.max(0, text.search(/[[{]/)), end + 1).replace(/(?<! ) *\+\r?$/gm, "");
}

function parsed(text: string): unknown {
  if (text.length > PLAN_TEXT_MAX) return undefined;
  try {
    return JSON.parse(planText(text));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRawPlan(value: unknown): value is RawPlan {
  return isRecord(value) && typeof value["Node Type"] === "string" && value["Node Type"] !== "";
}

interface Document {
  readonly plan: RawPlan;
  /** What stands beside the plan: times, triggers, settings; the plan itself when it came bare. */
  readonly outer: RawPlan;
}

function documentOf(json: unknown): Document | undefined {
  let value = json;
  // A driver gives rows of one column, "QUERY PLAN", around the array.
  for (let level = 0; level < 5; level += 1) {
    if (Array.isArray(value)) value = value[0];
    else if (isRecord(value) && "QUERY PLAN" in value) value = value["QUERY PLAN"];
    else break;
  }
  if (isRawPlan(value)) return { plan: value, outer: { "Node Type": "" } };
  if (!isRecord(value) || !isRawPlan(value["Plan"])) return undefined;
  return { plan: value["Plan"], outer: { ...value, "Node Type": "" } };
}

/** Undefined when something below is no plan node, or there is too much of it. */
function entriesOf(root: RawPlan): readonly Entry[] | undefined {
  const entries: Entry[] = [];
  const stack: { raw: unknown; parent: number; nth: number }[] = [
    { raw: root, parent: -1, nth: 0 },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { raw, parent, nth } = next;
    const above = entries[parent];
    const depth = above === undefined ? 0 : above.depth + 1;
    if (!isRawPlan(raw) || entries.length >= PLAN_NODES_MAX || depth >= PLAN_DEPTH_MAX) {
      return undefined;
    }
    const plans: unknown = raw.Plans ?? [];
    if (!Array.isArray(plans) || plans.length > PLAN_NODES_MAX) return undefined;
    above?.children.push(entries.length);
    entries.push({
      raw,
      parent,
      children: [],
      last: entries.length,
      depth,
      path: above === undefined ? "0" : `${above.path}.${nth}`,
      type: rawName(raw, "Node Type") ?? "",
      relationship: rawName(raw, "Parent Relationship"),
      loops: rawNumber(raw, "Actual Loops") ?? 0,
      loopMs: rawNumber(raw, "Actual Total Time"),
    });
    for (let at = plans.length - 1; at >= 0; at -= 1) {
      stack.push({ raw: plans[at], parent: entries.length - 1, nth: at });
    }
  }
  for (const entry of entries.toReversed()) {
    const above = entries[entry.parent];
    if (above !== undefined) above.last = Math.max(above.last, entry.last);
  }
  return entries;
}

function nodesOf(
  entries: readonly Entry[],
  analyzed: boolean,
  executionMs: number | undefined,
): readonly PlanNode[] {
  const rows = entries.map((entry) => rawNumber(entry.raw, "Plan Rows") ?? 0);
  const totals = entries.map((entry) => rawNumber(entry.raw, "Total Cost") ?? 0);
  const costs = ownCosts(entries, totals, rows);
  const actuals = analyzed ? actualsOf(entries, { costs, total: totals[0] ?? 0, executionMs }) : [];
  const nodes: (PlanNode & { readonly children: PlanNode[] })[] = [];
  for (const [index, entry] of entries.entries()) {
    const { raw } = entry;
    const parent = nodes[entry.parent];
    const startup = rawNumber(raw, "Startup Cost") ?? 0;
    const node = {
      index,
      path: entry.path,
      depth: entry.depth,
      parent,
      children: [],
      type: entry.type,
      relationship: entry.relationship,
      relation: rawName(raw, "Relation Name"),
      schema: rawName(raw, "Schema"),
      alias: rawName(raw, "Alias"),
      indexName: rawName(raw, "Index Name"),
      cost: { startup, total: totals[index] ?? 0, own: costs[index] ?? 0 },
      planRows: rows[index] ?? 0,
      width: rawNumber(raw, "Plan Width") ?? 0,
      actual: actuals[index],
      raw,
    };
    parent?.children.push(node);
    nodes.push(node);
  }
  return nodes;
}

interface Wholes {
  readonly costs: readonly number[];
  readonly total: number;
  readonly executionMs: number | undefined;
}

function actualsOf(entries: readonly Entry[], wholes: Wholes): readonly (NodeActual | undefined)[] {
  const processes = processesOf(entries);
  const wall = entries.map(
    (entry, at) => ((entry.loopMs ?? 0) * entry.loops) / (processes[at] ?? 1),
  );
  const slack = entries.map((entry, at) => (ROUNDING_MS * entry.loops) / (processes[at] ?? 1));
  const { own } = exclusive(entries, wall, slack);
  const blocks = blocksOf(entries);
  const timed = entries.some((entry) => entry.loopMs !== undefined);
  const whole = Math.max(wholes.executionMs ?? 0, wall[0] ?? 0);
  return entries.map((entry, at) => {
    if (entry.loops === 0) return undefined;
    const ownMs = own[at] ?? 0;
    // Without TIMING the planner's cost is the best guess at a share.
    const part = timed ? ownMs : (wholes.costs[at] ?? 0);
    const of = timed ? whole : wholes.total;
    return {
      loops: entry.loops,
      // An average of whole rows: PostgreSQL 18 rounds it to two digits, earlier ones to none.
      rowsTotal: Math.round((rawNumber(entry.raw, "Actual Rows") ?? 0) * entry.loops),
      totalMs: wall[at] ?? 0,
      ownMs,
      share: of > 0 ? Math.min(part / of, 1) : 0,
      blocks: blocks[at],
    };
  });
}

function blocksOf(entries: readonly Entry[]): readonly (Blocks | undefined)[] {
  const own = (...fields: readonly string[]) => {
    const inclusive = entries.map((entry) =>
      fields.reduce((total, field) => total + (rawNumber(entry.raw, field) ?? 0), 0),
    );
    return exclusive(entries, inclusive, []).own;
  };
  if (!entries.some((entry) => "Shared Hit Blocks" in entry.raw)) return [];
  const hit = own("Shared Hit Blocks", "Local Hit Blocks");
  const read = own("Shared Read Blocks", "Local Read Blocks");
  const tempRead = own("Temp Read Blocks");
  const tempWritten = own("Temp Written Blocks");
  return entries.map((entry, at) =>
    "Shared Hit Blocks" in entry.raw
      ? {
          hit: hit[at] ?? 0,
          read: read[at] ?? 0,
          tempRead: tempRead[at] ?? 0,
          tempWritten: tempWritten[at] ?? 0,
        }
      : undefined,
  );
}

function jitOf(outer: RawPlan): number | undefined {
  const jit = outer["JIT"];
  const timing = isRecord(jit) ? jit["Timing"] : undefined;
  return isRecord(timing) ? rawNumber({ "Node Type": "", ...timing }, "Total") : undefined;
}

function triggersOf(outer: RawPlan): Plan["triggers"] {
  const triggers = outer["Triggers"];
  if (!Array.isArray(triggers)) return [];
  return triggers.slice(0, 100).flatMap((trigger: unknown) => {
    if (!isRecord(trigger)) return [];
    const raw = { "Node Type": "", ...trigger };
    const constraint = rawName(raw, "Constraint Name");
    return {
      name: rawName(raw, "Trigger Name") ?? constraint ?? "",
      ms: rawNumber(raw, "Time") ?? 0,
      calls: rawNumber(raw, "Calls") ?? 0,
      constraint,
    };
  });
}

function settingsOf(outer: RawPlan): Plan["settings"] {
  const settings = outer["Settings"];
  if (!isRecord(settings)) return {};
  const known = Object.entries(settings).slice(0, 200);
  return Object.fromEntries(
    known.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}
