import { expect, test } from "vitest";
import type { ScanJob, ScanProgress } from "../shared/port.ts";
import { createMatching, type MatchingParts } from "./matching.ts";
import type { MatchingProgress } from "./matching-types.ts";

function open(keys: readonly string[], scan?: (glob: string, job: ScanJob) => readonly number[]) {
  const held = new Map(keys.map((key) => [key, { key }]));
  const calls: string[] = [];
  const parts: MatchingParts = {
    shelf: { memory: held },
    tier:
      scan === undefined
        ? undefined
        : {
            async *scan(glob, job): AsyncGenerator<ScanProgress> {
              for (const deleted of scan(glob, job)) {
                calls.push("redis");
                yield { scanned: 10, deleted, percent: 50, done: false };
              }
            },
          },
  };
  const deleteMatching = createMatching(parts, {
    async delete(target) {
      const named = (target as { keys: readonly string[] }).keys;
      for (const key of named) held.delete(key);
      calls.push(named.join());
      return { kind: "applied" };
    },
  });
  return { held, calls, deleteMatching };
}

const many = Array.from({ length: 25 }, (_, id) => `user:${id}:orders`);

test("what matches is deleted a page at a time, and progress is told", async () => {
  const { held, calls, deleteMatching } = open([...many, "team:1"]);
  const told: MatchingProgress[] = [];
  for await (const step of deleteMatching("user:*:orders", { pageSize: 10 })) told.push(step);
  expect([...held.keys()]).toEqual(["team:1"]);
  expect(calls).toHaveLength(3);
  expect(told.map(({ deleted }) => deleted)).toEqual([10, 20, 25]);
  expect(told.at(-1)).toMatchObject({ done: true, stopped: false, percent: 100, scanned: 26 });
});

test("nothing happens before it is iterated or asked to be done", async () => {
  const { held, deleteMatching } = open(many);
  const run = deleteMatching("*");
  expect(held.size).toBe(25);
  expect(await run.done()).toMatchObject({ deleted: 25, done: true });
  expect(held.size).toBe(0);
});

test("Redis comes first, and the bound counts for both", async () => {
  const { held, calls, deleteMatching } = open(many, () => [3, 5]);
  expect(await deleteMatching("user:*", { max: 9 }).done()).toMatchObject({
    tier: "memory",
    deleted: 9,
    stopped: true,
  });
  expect(calls.slice(0, 2)).toEqual(["redis", "redis"]);
  expect(held.size).toBe(21);
});

test("a signal ends it and what was deleted stays deleted", async () => {
  const { held, deleteMatching } = open(many);
  const stop = new AbortController();
  const run = deleteMatching("*", { pageSize: 5, signal: stop.signal });
  const iterate = async () => {
    for await (const step of run) if (step.deleted >= 10) stop.abort(new Error("enough"));
  };
  await expect(iterate()).rejects.toThrow("enough");
  expect(held.size).toBe(15);
});

test("what is no glob or out of bounds is refused at the call", () => {
  const { deleteMatching } = open([]);
  expect(() => deleteMatching("")).toThrow("HST_CACHE_GLOB");
  expect(() => deleteMatching("*", { max: 0 })).toThrow("HST_CACHE_OPTION");
});
