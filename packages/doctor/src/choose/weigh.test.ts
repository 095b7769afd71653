import { expect, test } from "vitest";
import type { Planner } from "../model/types.ts";
import { workloadOf } from "../testing/workload.ts";
import type { AdviseInput } from "./input.ts";
import { weighed } from "./weigh.ts";

const COSTS: Readonly<Record<string, number>> = { lookup: 8, search: 8_000 };

const planner: Planner = {
  source: "model",
  explain: async ({ planText }) => {
    const totalCost = COSTS[planText];
    return totalCost === undefined
      ? { kind: "refused", because: "" }
      : {
          ...{ kind: "planned", totalCost, startupCost: 0, rows: 1, uses: [], usesExisting: [] },
          plan: { "Node Type": "Result" },
        };
  },
  whatIf: () => Promise.reject(new Error("not asked for")),
  [Symbol.asyncDispose]: async () => {},
};

const FILE = { source: "file", window: { kind: "file" } } as const;

async function shares(
  workload: AdviseInput["workload"],
  by: Pick<AdviseInput, "planner"> = { planner },
): Promise<readonly number[]> {
  const input = { workload, ...by } as AdviseInput;
  return (await weighed(input)).workload.statements.map(({ share }) => share);
}

test("a file without times weighs calls by what the planner says of one", async () => {
  const statements = [
    { text: "lookup", calls: 1_000, totalMs: 0 },
    { text: "search", calls: 10, totalMs: 0 },
  ];
  expect(await shares(workloadOf(statements, FILE))).toEqual([1 / 11, 10 / 11]);
  expect(await shares(workloadOf(statements, FILE), { planner: undefined })).toEqual([0.5, 0.5]);
  // One that cannot be planned counts as one of mean cost.
  const [, , third] = await shares(
    workloadOf([...statements, { text: "odd", calls: 1, totalMs: 0 }], FILE),
  );
  expect(third).toBeCloseTo(4_004 / (8_000 + 80_000 + 4_004), 10);
});

test("times that are told are kept", async () => {
  expect(await shares(workloadOf(["lookup", "search"]))).toEqual([0.5, 0.5]);
  const timed = [
    { text: "lookup", totalMs: 5 },
    { text: "search", totalMs: 0 },
  ];
  expect(await shares(workloadOf(timed, FILE))).toEqual([0.5, 0.5]);
});
