import { describe, expect, test } from "vitest";
import { assembleCache } from "../../../src/cache/cache.ts";
import { defineKey } from "../../../src/cache/index.ts";
import { LOAD_RULES } from "../../../src/cache/load-parts.ts";
import { TIER_RULES, type TierRules } from "../../../src/cache/two-tier/rules.ts";
import { manualClock } from "../../../src/core/clock.ts";
import { World } from "./memory-tier.ts";

/** Each story is told with the rule and without it: it must come out otherwise. */
const key = defineKey("thing", (n: number) => [n]).of<string>();

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
};

function setUp(rules: Partial<TierRules>) {
  const clock = manualClock();
  const world = new World(clock);
  const [a, b] = [world.node(), world.node()];
  const how = { name: "t", clock, jitter: 0 };
  const mine = { ...LOAD_RULES, tier: { ...TIER_RULES, ...rules } };
  return { a, b, one: assembleCache(how, mine, a), other: assembleCache(how, mine, b) };
}

function source() {
  const held: PromiseWithResolvers<string>[] = [];
  const load = (): Promise<string> => {
    const one = Promise.withResolvers<string>();
    held.push(one);
    return one.promise;
  };
  return { load, held };
}

/** A load has ended and its value is on its way to Redis when another process deletes the key. */
async function overtaken(rules: Partial<TierRules>) {
  const { a, one, other } = setUp(rules);
  const { load, held } = source();
  const first = one.getOrSet(key(1), load);
  await settle();
  const joined = one.getOrSet(key(1), load);
  a.held = true;
  held[0]!.resolve("old");
  await first;
  await settle();
  const kept = one.peek(key(1));
  await other.delete(key(1));
  const late = one.getOrSet(key(1), load);
  for (let turn = 0; turn < 6; turn++) {
    a.flow();
    await settle();
    held[1]?.resolve("new");
  }
  a.held = false;
  a.flow();
  return { kept, joined: await joined, late: await late, loads: held.length };
}

describe("rules of two tiers", () => {
  test("a value is on its way: memory does not have it, nobody joins, what Redis refuses is nobody's", async () => {
    expect(await overtaken({})).toEqual({ kept: undefined, joined: "new", late: "new", loads: 2 });
  });

  test("without sealing a later caller shares what was read before it asked", async () => {
    const rules = { seals: false, isRefused: () => false };
    expect(await overtaken(rules)).toMatchObject({ late: "old", loads: 1 });
  });

  test("memory first: it has what Redis then refuses", async () => {
    expect(await overtaken({ redisFirst: false })).toMatchObject({ kept: "old" });
  });

  test("without the refusal a waiter takes what another process invalidated", async () => {
    expect(await overtaken({ isRefused: () => false })).toMatchObject({ joined: "old" });
  });

  test("without catching up its own delete refuses the load after it", async () => {
    for (const [rules, kept] of [
      [{}, "v"],
      [{ catchUp: () => undefined }, undefined],
    ] as const) {
      const { one } = setUp(rules);
      await one.delete(key(1));
      await one.getOrSet(key(1), () => "v");
      await settle();
      expect(one.peek(key(1))).toBe(kept);
    }
  });
});
