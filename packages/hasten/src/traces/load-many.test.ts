import { expect, test, vi } from "vitest";
import { manualClock } from "../core/clock.ts";
import { tableTag } from "../core/sql-tag.ts";
import { currentTrace, inTrace, Trace } from "../core/trace/index.ts";
import { Trust } from "../core/trust.ts";
import { loadMany } from "./load-many.ts";

interface User {
  readonly id: number;
  readonly name: string;
}
const user = (id: number): User => ({ id, name: `user ${id}` });
const users = (ids: readonly number[]): Map<number, User> =>
  new Map(ids.filter((id) => id < 100).map((id) => [id, user(id)]));

test("calls of one turn are one batch, each key once; what is not there is undefined", async () => {
  const batch = vi.fn(async (ids: readonly number[]) => users(ids));
  const userById = loadMany(batch);
  await inTrace(new Trace(), async () => {
    const found = await Promise.all([userById(1), userById(2), userById(1), userById(100)]);
    expect(found).toEqual([user(1), user(2), user(1), undefined]);
    expect(await userById.many([2, 3])).toEqual([user(2), user(3)]);
  });
  expect(batch.mock.calls).toEqual([[[1, 2, 100]], [[3]]]);
});

test("nothing is shared by two requests, not even a batch", async () => {
  const batch = vi.fn(async (ids: readonly number[]) => users(ids));
  const userById = loadMany(batch);
  const [one, two] = [new Trace(), new Trace()];
  await Promise.all([inTrace(one, () => userById(1)), inTrace(two, () => userById(1))]);
  await inTrace(one, () => userById(1));
  expect(batch.mock.calls).toEqual([[[1]], [[1]]]);
});

test("outside of a trace calls of one turn share a batch, and nothing is kept", async () => {
  const batch = vi.fn(async (ids: readonly number[]) => users(ids));
  const userById = loadMany(batch);
  await Promise.all([userById(1), userById(2), userById(1)]);
  await userById(1);
  expect(batch.mock.calls).toEqual([[[1, 2]], [[1]]]);
});

test("lists by groupBy, empty where there are no rows; a number and its text are one key", async () => {
  const rows = [
    { order: "1", item: "a" },
    { order: "2", item: "b" },
    { order: "1", item: "c" },
  ];
  const itemsOf = loadMany(async () => rows, { groupBy: (row): string | number => row.order });
  const found = await inTrace(new Trace(), () => itemsOf.many([1, "2", 3]));
  expect(found).toEqual([[rows[0], rows[2]], [rows[1]], []]);
  const byText = loadMany<number, string>(
    async () => new Map([["7", "x"]]) as unknown as Map<number, string>,
  );
  expect(await byText(7)).toBe("x");
});

test("a list must be as long as the keys; an Error in it fails its key only", async () => {
  const listed = loadMany(async (ids: readonly number[]) =>
    ids.map((id) => (id === 2 ? new Error("no two") : id * 10)),
  );
  await inTrace(new Trace(), async () => {
    const settled = await Promise.allSettled([listed(1), listed(2)]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
  await expect(loadMany(async () => [1, 2])(7)).rejects.toThrow("HST_TRACE_BATCH");
  await expect(loadMany(async () => 5 as never)(7)).rejects.toThrow("neither a map nor a list");
  expect(() => loadMany(async () => [], { batchMax: 0 })).toThrow("HST_TRACE_OPTION");
});

test("batches are bounded; failures are not kept; clear forgets; keep: false keeps nothing", async () => {
  let fails = true;
  const batch = vi.fn(async (ids: readonly number[]) => {
    if (fails) throw new Error("down");
    return users(ids);
  });
  const [userById, unkept] = [loadMany(batch, { batchMax: 2 }), loadMany(batch, { keep: false })];
  await inTrace(new Trace(), async () => {
    await expect(userById.many([1, 2, 3])).rejects.toThrow("down");
    fails = false;
    batch.mockClear();
    await userById.many([1, 2, 3]);
    await userById(3);
    userById.clear(3);
    await userById(3);
    expect(batch.mock.calls).toEqual([[[1, 2]], [[3]], [[3]]]);
    batch.mockClear();
    await unkept(1);
    await unkept(1);
    expect(batch).toHaveBeenCalledTimes(2);
  });
});

test("a batch that throws at once rejects", async () => {
  const broken = loadMany<number, number>(() => {
    throw new Error("at once");
  });
  await expect(broken(1)).rejects.toThrow("at once");
  await expect(inTrace(new Trace(), () => broken(1))).rejects.toThrow("at once");
});

const home = (table: string): string => tableTag({ database: "d", schema: "s", table });

test("what a batch reads belongs to every trace that it serves, and to none that it does not", async () => {
  const clock = manualClock();
  const trust = new Trust("stream", 500, clock);
  const userById = loadMany(async (ids: readonly number[]) => {
    currentTrace()?.read([home("users")], trust);
    return users(ids);
  });
  const request = new Trace(clock);
  const loads = [1, 2].map(() => new Trace(clock, request));
  const other = new Trace(clock, request);
  await Promise.all(loads.map((trace, n) => inTrace(trace, () => userById(n))));
  for (const load of loads)
    expect(load.dependency()).toMatchObject({
      tags: [home("users")],
      trusts: [trust],
      untracked: [],
    });
  expect(other.dependency().tags).toEqual([]);
  expect(loads.map(({ pending }) => pending)).toEqual([0, 0]);
});

test("an answer is not kept for a trace that is opened later: its capture would be too young", async () => {
  const batch = vi.fn(async (ids: readonly number[]) => users(ids));
  const userById = loadMany(batch);
  const request = new Trace();
  await inTrace(new Trace(undefined, request), () => userById(1));
  await inTrace(new Trace(undefined, request), () => userById(1));
  expect(batch).toHaveBeenCalledTimes(2);
});

test("its traces wait for it; one that reads on after it answered voids them", async () => {
  const clock = manualClock();
  let batchTrace: Trace | undefined;
  const gate = Promise.withResolvers<void>();
  const userById = loadMany(
    async (ids: readonly number[]) => {
      batchTrace = currentTrace();
      batchTrace?.read([home("users")], undefined);
      await gate.promise;
      return users(ids);
    },
    { clock },
  );
  const trace = new Trace(clock);
  const asked = inTrace(trace, () => userById(1));
  expect(trace.pending).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  batchTrace?.began();
  gate.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect(trace.pending).toBe(1);
  batchTrace?.ended();
  expect(await asked).toEqual(user(1));
  expect(trace.pending).toBe(0);
  const late = vi.fn();
  trace.close(late);
  batchTrace?.began();
  expect(late).toHaveBeenCalledTimes(1);
});

test("a batch that never ends is not waited for for ever, and is not tracked", async () => {
  const clock = manualClock();
  const userById = loadMany(
    async (ids: readonly number[]) => {
      currentTrace()?.began();
      return users(ids);
    },
    { clock },
  );
  const trace = new Trace(clock);
  const asked = inTrace(trace, () => userById(1));
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(1_000);
  await asked;
  expect(trace.dependency().untracked).toContain("a batch of loadMany that did not end");
});
