import { normalise } from "hasten/postgres";
import type { Candidate } from "../candidates/types.ts";
import type { Advice } from "../choose/types.ts";
import type { PlanNode, PlanReport } from "../plans/types.ts";
import type { Report } from "./types.ts";

/** Conditions of a plan node that are told, by the names that EXPLAIN gives them. */
const CONDITIONS = [
  "Filter",
  "Index Cond",
  "Recheck Cond",
  "Join Filter",
  "Hash Cond",
  "Merge Cond",
  "TID Cond",
  "One-Time Filter",
  "Sort Key",
  "Presorted Key",
  "Group Key",
  "Join Type",
  "Strategy",
  "Sort Method",
] as const;

/**
 * The report for programs, as schema/report.v1.json describes it. What is not known is null; plans
 * are trees; statements are without their literals.
 */
export function jsonReport(report: Report): string {
  const { indexes, plans, workload } = report;
  const shown = {
    ...report,
    workload: {
      ...workload,
      statements: workload.statements.map((statement) => ({
        ...statement,
        text: normalise(statement.text),
      })),
    },
    indexes: indexes && { ...indexes, advice: indexes.advice.map(adviceJson) },
    plans: plans.map(planJson),
  };
  return `${escaped(JSON.stringify(shown, nullFor, 2))}\n`;
}

/** JSON leaves C1 controls and direction marks as they are, which a terminal would obey. */
const escaped = (json: string): string =>
  json.replace(
    UNSEEN,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(ESCAPE_DIGITS, "0")}`,
  );

const ESCAPE_DIGITS = 4;
const UNSEEN = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const nullFor = (_name: string, value: unknown): unknown => (value === undefined ? null : value);

function adviceJson(advice: Advice): object {
  if (advice.kind === "drop") return advice;
  const { candidate, ...told } = advice;
  return { ...told, definition: definitionJson(candidate) };
}

const definitionJson = ({ method, keys, include, predicate, reasons }: Candidate): object => ({
  method,
  keys,
  include,
  predicate,
  reasons,
});

function planJson({ id, plan, findings }: PlanReport): object {
  const { root, nodes: _, ...facts } = plan;
  return { id, ...facts, root: nodeJson(root), findings };
}

function nodeJson({ parent: _, children, raw, ...facts }: PlanNode): object {
  return { ...facts, details: detailsOf(raw), children: children.map(nodeJson) };
}

function detailsOf(raw: PlanNode["raw"]): Readonly<Record<string, string>> {
  const details: Record<string, string> = {};
  for (const name of CONDITIONS) {
    const value = raw[name];
    if (typeof value === "string") details[name] = normalise(value);
    else if (Array.isArray(value))
      details[name] = value.map((key) => normalise(String(key))).join(", ");
  }
  return details;
}
