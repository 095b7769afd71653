import type { WorkStatement } from "../workload/types.ts";
import type { AdviseInput } from "./input.ts";

/**
 * The statements with the shares that advice counts with. A file that tells calls and no times would
 * let a lookup that is asked often hide a search that reads the whole table: there a statement's
 * share is its calls times the planner's cost of today. One that cannot be planned counts as one of
 * mean cost. Everything else keeps its shares.
 */
export async function weighed(input: AdviseInput): Promise<AdviseInput> {
  const { planner, workload, signal } = input;
  const { statements } = workload;
  const timed = workload.source !== "file" || statements.some(({ totalMs }) => totalMs > 0);
  if (timed || planner === undefined || statements.length < 2) return input;
  const costs = new Map<string, number>();
  for (const statement of statements) {
    signal?.throwIfAborted();
    const planned = await planner.explain(statement);
    if (planned.kind === "planned") costs.set(statement.id, planned.totalCost);
  }
  if (costs.size === 0) return input;
  const mean = sum(costs.values()) / costs.size;
  const weightOf = ({ id, calls }: WorkStatement): number => calls * (costs.get(id) ?? mean);
  const whole = sum(statements.map(weightOf));
  if (!(whole > 0)) return input;
  const shared = statements.map((each) => ({ ...each, share: weightOf(each) / whole }));
  return { ...input, workload: { ...workload, statements: shared } };
}

const sum = (values: Iterable<number>): number =>
  [...values].reduce((total, value) => total + value, 0);
