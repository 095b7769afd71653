import type { RawPlan } from "../model/types.ts";
import type { PlanNode } from "./types.ts";

/** Larger numbers of a plan are read as this: no rule's threshold is near it, and products stay finite. */
const NUMBER_MAX = 1e15;
/** Characters of a name or a node type that are kept. */
const NAME_MAX = 256;
/** Characters of a condition that are looked at; an IN list can be longer. */
const CONDITION_MAX = 20_000;

/** A field that is a number of 0 or more; undefined for anything else. */
export function rawNumber(raw: RawPlan, field: string): number | undefined {
  const value = raw[field];
  if (typeof value !== "number" || Number.isNaN(value) || value < 0) return undefined;
  return Math.min(value, NUMBER_MAX);
}

/** A name: at most 256 characters, control characters as spaces. */
export function rawName(raw: RawPlan, field: string): string | undefined {
  const value = raw[field];
  if (typeof value !== "string" || value === "") return undefined;
  // A plan may come from a file of anybody's, and names reach a terminal.
  return value.slice(0, NAME_MAX).replace(/\p{Cc}|\p{Cf}/gu, " ");
}

/** A number as EXPLAIN gives it: of most fields per loop. */
export function numberOf(node: PlanNode, field: string): number | undefined {
  return rawNumber(node.raw, field);
}

/** A field that EXPLAIN gives per loop, over all loops and workers; 0 when absent or not run. */
export function totalOf(node: PlanNode, field: string): number {
  return Math.round((numberOf(node, field) ?? 0) * (node.actual?.loops ?? 0));
}

/**
 * A condition such as "Filter" or "Index Cond", cut at 20,000 characters. It holds constants: no
 * finding may show it otherwise than through `withoutConstants`.
 */
export function conditionOf(node: PlanNode, field: string): string | undefined {
  const value = node.raw[field];
  return typeof value === "string" && value !== "" ? value.slice(0, CONDITION_MAX) : undefined;
}

/** A list of expressions such as "Sort Key", at most 100 of them; empty when absent. */
export function listOf(node: PlanNode, field: string): readonly string[] {
  const value = node.raw[field];
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, 100)
    .filter((item): item is string => typeof item === "string")
    .map((item) => item.slice(0, CONDITION_MAX));
}

/** "Seq Scan on public.orders", "Sort": what a finding is about, for people. */
export function labelOf(node: PlanNode): string {
  if (node.relation === undefined) {
    return node.indexName === undefined ? node.type : `${node.type} using ${node.indexName}`;
  }
  return `${node.type} on ${tableOf(node)}`;
}

/** Schema and table for people, unquoted; the node's type when it reads no table. */
export function tableOf(node: PlanNode): string {
  if (node.relation === undefined) return node.type;
  return node.schema === undefined ? node.relation : `${node.schema}.${node.relation}`;
}

/** The node below and everything under it, parents first. */
export function subtreeOf(node: PlanNode): readonly PlanNode[] {
  const found: PlanNode[] = [];
  const stack: PlanNode[] = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    found.push(next);
    for (let at = next.children.length - 1; at >= 0; at -= 1) {
      const child = next.children[at];
      if (child !== undefined) stack.push(child);
    }
  }
  return found;
}
