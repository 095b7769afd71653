import type { Entry } from "./entry.ts";
import { type Lazy, type LazyPlans, lazyPlans } from "./lazy.ts";

export interface Exclusive {
  /** Per node, without its children's; never negative. */
  readonly own: readonly number[];
  /**
   * What children showed beyond their parents, more than rounding explains, and was scaled away:
   * how far the plan's numbers contradict each other.
   */
  readonly excess: number;
}

/** Printed times are rounded to 0.001 ms a loop: half of it, times the loops, may be untrue. */
export const ROUNDING_MS = 0.0005;

/**
 * Processes that share the work of each node: of what is below a Gather, as many as began it, so
 * that a leader that does not take part and workers that did not start are not counted.
 */
export function processesOf(entries: readonly Entry[]): readonly number[] {
  const processes: number[] = [];
  for (const entry of entries) {
    const parent = entries[entry.parent];
    const above = parent === undefined ? 1 : (processes[entry.parent] ?? 1);
    processes.push(parent === undefined ? 1 : above * startedBelow(parent, entry));
  }
  return processes;
}

function startedBelow(parent: Entry, child: Entry): number {
  if (parent.type !== "Gather" && parent.type !== "Gather Merge") return 1;
  if (child.relationship === "InitPlan" || parent.loops === 0 || child.loops === 0) return 1;
  const planned = parent.raw["Workers Planned"];
  const most = typeof planned === "number" && planned >= 1 ? planned + 1 : 1;
  return Math.min(Math.max(child.loops / parent.loops, 1), most);
}

/**
 * Takes children off their parents. InitPlans and CTEs are run by whoever first needs them, often
 * far below the node under which EXPLAIN prints them: they are taken off there, once.
 * @param inclusive per node, over all loops
 * @param slack how much of each may be rounding
 */
export function exclusive(
  entries: readonly Entry[],
  inclusive: readonly number[],
  slack: readonly number[],
): Exclusive {
  const lazy = lazyPlans(entries, inclusive);
  const own: number[] = entries.map(() => 0);
  const state: Settling = { entries, inclusive, slack, own, lazy, excess: 0, given: new Map() };
  settle(state, 0, inclusive[0] ?? 0);
  const waiting = [...lazy.plans];
  while (waiting.length > 0) {
    const at = waiting.findIndex((plan) =>
      plan.takers.every((taker) => state.given.has(taker.node)),
    );
    const [plan] = waiting.splice(Math.max(at, 0), 1);
    if (plan !== undefined) settle(state, plan.node, shareTaken(state, plan));
  }
  return { own, excess: state.excess };
}

interface Settling {
  readonly entries: readonly Entry[];
  readonly inclusive: readonly number[];
  readonly slack: readonly number[];
  readonly own: number[];
  readonly lazy: LazyPlans;
  excess: number;
  /** What each node settled so far stands for, its children included. */
  readonly given: Map<number, number>;
}

function shareTaken(state: Settling, plan: Lazy): number {
  let taken = plan.outside;
  for (const taker of plan.takers) {
    const whole = state.inclusive[taker.node] ?? 0;
    taken += whole > 0 ? (taker.amount * (state.given.get(taker.node) ?? whole)) / whole : 0;
  }
  return taken;
}

function settle(state: Settling, start: number, amount: number): void {
  const stack = [{ node: start, amount }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    state.given.set(next.node, next.amount);
    const whole = state.inclusive[next.node] ?? 0;
    const lent = whole > 0 ? ((state.lazy.taken.get(next.node) ?? 0) * next.amount) / whole : 0;
    const children = (state.entries[next.node]?.children ?? []).filter(
      (child) => !state.lazy.lazy.has(child),
    );
    const room = Math.max(next.amount - lent, 0);
    const wants = children.map((child) => state.inclusive[child] ?? 0);
    const fitted = fit(wants, room, (at) => state.slack[children[at] ?? -1] ?? 0);
    state.excess += fitted.excess;
    state.own[next.node] = Math.max(room - sum(fitted.amounts), 0);
    for (const [at, child] of children.entries()) {
      stack.push({ node: child, amount: fitted.amounts[at] ?? 0 });
    }
  }
}

/** Makes `wants` fit into `room`: first by what may be rounding, then in proportion. */
export function fit(
  wants: readonly number[],
  room: number,
  slackOf: (at: number) => number,
): { readonly amounts: readonly number[]; readonly excess: number } {
  const over = sum(wants) - room;
  if (over <= 0) return { amounts: wants, excess: 0 };
  const slack = wants.map((want, at) => Math.min(slackOf(at), want));
  const slackSum = sum(slack);
  const given = slackSum > 0 ? Math.min(over / slackSum, 1) : 0;
  const rounded = wants.map((want, at) => want - given * (slack[at] ?? 0));
  const excess = Math.max(sum(rounded) - room, 0);
  if (excess === 0) return { amounts: rounded, excess };
  const scale = room / sum(rounded);
  return { amounts: rounded.map((want) => want * scale), excess };
}

/**
 * The planner's cost of each node without its children, in units of the whole plan: what a node
 * costs in a loop counts as often as it is expected to run, and children never exceed their parent.
 */
export function ownCosts(
  entries: readonly Entry[],
  totals: readonly number[],
  rows: readonly number[],
): readonly number[] {
  const own: number[] = [];
  const given: number[] = [totals[0] ?? 0];
  for (const [at, entry] of entries.entries()) {
    const room = given[at] ?? 0;
    const wants = entry.children.map(
      (child) => (totals[child] ?? 0) * runsOf(child, entries, rows),
    );
    const { amounts } = fit(wants, room, () => 0);
    for (const [nth, child] of entry.children.entries()) given[child] = amounts[nth] ?? 0;
    own.push(Math.max(room - sum(amounts), 0));
  }
  return own;
}

function runsOf(child: number, entries: readonly Entry[], rows: readonly number[]): number {
  const entry = entries[child];
  const parent = entry === undefined ? undefined : entries[entry.parent];
  if (entry === undefined || parent === undefined) return 1;
  if (entry.relationship === "SubPlan") return Math.max(rows[entry.parent] ?? 1, 1);
  if (parent.type !== "Nested Loop" || entry.relationship !== "Inner") return 1;
  if (entry.type === "Materialize") return 1;
  const outer = parent.children.find((sibling) => entries[sibling]?.relationship === "Outer");
  return Math.max(outer === undefined ? 1 : (rows[outer] ?? 1), 1);
}

export function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
