import { expect, expectTypeOf, test } from "vitest";
import { createCache, defineKey } from "../index.ts";
import { defineGroups } from "./groups.ts";

const userKey = defineKey("user", (id: number) => [id, "profile"]).of<string>();
const listKey = defineKey("users", () => []).of<string>();

interface User {
  readonly id: number;
  readonly teamId: number;
}

function open() {
  const cache = createCache({ graceMs: 60_000 });
  const groups = defineGroups(cache, {
    "user changed": (user: User) => [
      { keys: [listKey(), listKey()], prefixes: [userKey.prefix(user.id)] },
      { tags: [`team:${user.teamId}`] },
    ],
    "nothing changed": () => ({}),
  });
  return { cache, groups };
}

test("one call drops keys, tags and prefixes of a group in one step", async () => {
  const { cache, groups } = open();
  await cache.set(userKey(7), "Ada");
  await cache.set(userKey(8), "Bob");
  await cache.set(userKey(9), "Eve", { tags: ["team:3"] });
  await cache.set(listKey(), "Ada, Bob, Eve");
  expect(await groups.delete("user changed", { id: 7, teamId: 3 })).toEqual({ kind: "applied" });
  expect(cache.peek(userKey(7))).toBeUndefined();
  expect(cache.peek(userKey(9))).toBeUndefined();
  expect(cache.peek(listKey())).toBeUndefined();
  expect(cache.peek(userKey(8))).toBe("Bob");
});

test("expire leaves what was there to stand in", async () => {
  const { cache, groups } = open();
  await cache.set(userKey(7), "Ada");
  await groups.expire("user changed", { id: 7, teamId: 3 });
  expect(cache.peek(userKey(7))).toBeUndefined();
  expect(cache.entry(userKey(7))?.value).toBe("Ada");
});

test("what a group names can be looked at, each once", () => {
  const { groups } = open();
  expect(groups.targets("user changed", { id: 7, teamId: 3 })).toEqual({
    keys: ["users"],
    tags: ["team:3"],
    prefixes: ["user:7:"],
  });
});

test("a group that names nothing invalidates nothing; an unknown one is told", async () => {
  const { groups, cache } = open();
  await cache.set(userKey(8), "Bob");
  expect(await groups.delete("nothing changed")).toEqual({ kind: "applied" });
  expect(cache.peek(userKey(8))).toBe("Bob");
  const untyped = groups.delete as (name: string) => Promise<unknown>;
  await expect(untyped("toString")).rejects.toThrow("HST_CACHE_GROUP");
});

test("names and arguments are typed", () => {
  const { groups } = open();
  const call = groups.delete<"user changed">;
  expectTypeOf<Parameters<typeof call>>().toEqualTypeOf<["user changed", user: User]>();
});
