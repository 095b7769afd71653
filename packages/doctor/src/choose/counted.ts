import type { Explain, Planner } from "../model/types.ts";

/** The same planner, with the number of plans that it has made. */
export function counted(planner: Planner): Planner & { plans(): number } {
  let plans = 0;
  const counting =
    (explain: Explain): Explain =>
    (statement) => {
      plans += 1;
      return explain(statement);
    };
  return {
    source: planner.source,
    explain: counting(planner.explain),
    whatIf: (change, plan) =>
      planner.whatIf(change, (explain, refused) => plan(counting(explain), refused)),
    plans: () => plans,
    [Symbol.asyncDispose]: () => planner[Symbol.asyncDispose](),
  };
}
