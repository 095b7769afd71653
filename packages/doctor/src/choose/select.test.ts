import { expect, test } from "vitest";
import { bestExact } from "./exact.ts";
import { fits, type SelectInput, sumOf } from "./objective.ts";
import { select } from "./select.ts";

const NO_LIMIT = new Map<number, number>();

function statement(weight: number, ...options: [number[], number][]) {
  return { weight, options: options.map(([uses, cost]) => ({ uses, cost })) };
}

function candidate(upkeep: number, table = 1, load = upkeep) {
  return { upkeep, table, load };
}

test("takes what pays and leaves what does not", () => {
  const input: SelectInput = {
    statements: [statement(0.5, [[0], 0.1]), statement(0.05, [[1], 0.9])],
    candidates: [candidate(0.01), candidate(0.01)],
    budgets: NO_LIMIT,
  };
  expect(select(input)).toEqual({ chosen: [0], value: expect.closeTo(0.11), exact: true });
});

test("one index for two statements instead of one for each", () => {
  const input: SelectInput = {
    statements: [statement(0.4, [[0], 0.1], [[2], 0.12]), statement(0.4, [[1], 0.1], [[2], 0.12])],
    candidates: [candidate(0.05), candidate(0.05), candidate(0.05)],
    budgets: NO_LIMIT,
  };
  expect(select(input).chosen).toEqual([2]);
});

test("two indexes that gain only together are found", () => {
  const input: SelectInput = {
    statements: [statement(1, [[0, 1], 0.05])],
    candidates: [candidate(0.1), candidate(0.1)],
    budgets: NO_LIMIT,
  };
  expect(select(input).chosen).toEqual([0, 1]);
});

test("never above the budget of a table", () => {
  const input: SelectInput = {
    statements: [statement(0.6, [[0], 0.1]), statement(0.4, [[1], 0.1])],
    candidates: [candidate(0, 7, 0.3), candidate(0, 7, 0.3)],
    budgets: new Map([[7, 0.5]]),
  };
  expect(select(input).chosen).toEqual([0]);
});

test("as good as trying everything, on random problems", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const input = randomInput(seed);
    const best = bruteForce(input);
    const chosen = select(input);
    expect(chosen.exact).toBe(true);
    expect(fits(input, new Set(chosen.chosen))).toBe(true);
    expect(chosen.value).toBeCloseTo(sumOf(input, new Set(chosen.chosen)), 9);
    expect(chosen.value, `seed ${seed}`).toBeCloseTo(best, 9);
  }
});

test("the comparison with everything finds a bound that is wrong", () => {
  // A search that believes its start is best: what a bound too high would come to.
  const wrong = (input: SelectInput): number => sumOf(input, new Set());
  const greedyOnly = (input: SelectInput): number => {
    let chosen = new Set<number>();
    for (const at of input.candidates.keys()) {
      const next = new Set([...chosen, at]);
      if (fits(input, next) && sumOf(input, next) < sumOf(input, chosen)) chosen = next;
    }
    return sumOf(input, chosen);
  };
  const found = (solve: (input: SelectInput) => number): number =>
    Array.from({ length: 100 }, (_, at) => randomInput(at + 1)).filter(
      (input) => solve(input) > bruteForce(input) + 1e-9,
    ).length;
  expect(found(wrong)).toBeGreaterThan(50);
  expect(found(greedyOnly)).toBeGreaterThan(5);
});

test("branch and bound alone reaches the best from an empty start", () => {
  for (let seed = 500; seed < 600; seed += 1) {
    const input = randomInput(seed);
    const chosen = bestExact(input, new Set());
    expect(chosen && sumOf(input, chosen)).toBeCloseTo(bruteForce(input), 9);
  }
});

test("a thousand candidates of three hundred statements within two seconds", () => {
  const random = generator(42);
  const candidates = Array.from({ length: 1000 }, (_, at) =>
    candidate(0.00001 + random() * 0.0005, Math.floor(at / 40), random() * 0.2),
  );
  const statements = Array.from({ length: 300 }, (_, at) => {
    const first = Math.floor((at % 25) * 40);
    const options = Array.from({ length: 40 }, (_, nth): [number[], number] => [
      nth % 5 === 0 ? [first + nth, first + ((nth + 7) % 40)].sort((a, b) => a - b) : [first + nth],
      0.01 + random(),
    ]);
    return statement(1 / 300, ...options);
  });
  const budgets = new Map(Array.from({ length: 25 }, (_, table) => [table, 0.6]));
  const cpu = process.cpuUsage();
  const { chosen } = select({ statements, candidates, budgets });
  // Processor time: what else runs on the machine does not count.
  expect(process.cpuUsage(cpu).user).toBeLessThan(2_000_000);
  expect(chosen.length).toBeGreaterThan(25);
});

/** Small numbers from a seed (a linear congruential generator). */
function generator(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomInput(seed: number): SelectInput {
  const random = generator(seed);
  const count = 1 + Math.floor(random() * 10);
  const pick = (): number => Math.floor(random() * count);
  return {
    candidates: Array.from({ length: count }, () =>
      candidate(random() * 0.1, Math.floor(random() * 3), random() * 0.3),
    ),
    statements: Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
      statement(
        random() / 2,
        ...Array.from({ length: Math.floor(random() * 8) }, (): [number[], number] => [
          [...new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, pick))].sort(
            (a, b) => a - b,
          ),
          random() * 1.1,
        ]),
      ),
    ),
    budgets: new Map([[0, random() * 0.6]]),
  };
}

function bruteForce(input: SelectInput): number {
  let best = Number.POSITIVE_INFINITY;
  for (let mask = 0; mask < 1 << input.candidates.length; mask += 1) {
    const chosen = new Set([...input.candidates.keys()].filter((at) => (mask >> at) & 1));
    if (fits(input, chosen)) best = Math.min(best, sumOf(input, chosen));
  }
  return best;
}
