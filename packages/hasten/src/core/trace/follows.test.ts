import { expect, test } from "vitest";
import { followsFrom } from "./follows.ts";
import { QueryLog } from "./query-log.ts";

test.each([
  ["the next of a chain", { id: 7, parent: 3 }, [7], [3], true],
  ["rows as lists, a number as text", ["7", "3"], [7], [3], true],
  ["a large number", { next: "9007199254740993" }, ["1"], [9007199254740993n], true],
  ["a tenant that stays", { tenant: 4, parent: 3 }, [4, 7], [4, 3], true],
  ["only the tenant is in the row", { tenant: 4, name: "x" }, [4, 7], [4, 8], false],
  ["not in the row", { id: 7 }, [7], [8], false],
  ["the same again", { id: 7 }, [7], [7], false],
  ["one of two that differ", { a: 3 }, [1, 2], [3, 4], false],
  ["null is no key", { parent: null }, [1], [null], false],
  ["an object is no key", { parent: {} }, [1], [{}], false],
  ["another number of parameters", { id: 3 }, [7], [3, 3], false],
] as const)("%s", (...[, row, before, values, follows]) => {
  expect(followsFrom(row, before, values)).toBe(follows);
});

test("a log keeps the one row of the latest statement only, and compares it with the next of its shape", () => {
  const log = new QueryLog();
  const traits = { limited: false, batched: false, selectsEverything: false, locks: false };
  const shape = { statement: "s", kind: "select", model: "m", role: "read", traits } as const;
  const [first, second, third] = [[1], [5], [9]].map((values) => {
    const record = log.called(shape as never, values, 0)!;
    record.answer = { next: 5 };
    return record;
  });
  expect([first, second, third].map((record) => record!.follows)).toEqual([false, true, false]);
  expect([first, second].map((record) => record!.answer)).toEqual([undefined, undefined]);
  const other = log.called({ ...shape } as never, [5], 0)!;
  expect([third!.answer, other.follows]).toEqual([undefined, false]);
});
