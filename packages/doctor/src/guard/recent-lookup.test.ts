import { expect, test } from "vitest";
import type { Lookup } from "./lookup.ts";
import { recentLookup } from "./recent-lookup.ts";

function counting(fails: () => boolean): { lookup: Lookup; asked: string[] } {
  const asked: string[] = [];
  const answer = async (what: string): Promise<readonly never[]> => {
    asked.push(what);
    if (fails()) throw new Error("refused");
    return [];
  };
  return {
    asked,
    lookup: {
      functions: (names) => answer(`functions ${names.map((it) => it.name)}`),
      operators: () => answer("operators"),
      attributes: () => answer("attributes"),
      types: () => answer("types"),
      relations: (names) => answer(`relations ${names.map((it) => it.name)}`),
      casts: () => answer("casts"),
    },
  };
}

test("a question is asked once a second, another one at once, a failed one again", async () => {
  let nowMs = 0;
  let failing = false;
  const { lookup, asked } = counting(() => failing);
  const recent = recentLookup(lookup, () => nowMs);
  const name = (text: string) => [{ schema: undefined, name: text }];
  await recent.functions(name("lower"));
  await recent.functions(name("lower"));
  await recent.functions(name("upper"));
  await recent.relations(name("lower"));
  expect(asked).toEqual(["functions lower", "functions upper", "relations lower"]);
  nowMs = 1_001;
  await recent.functions(name("lower"));
  expect(asked.length).toBe(4);
  failing = true;
  await expect(recent.casts()).rejects.toThrow("refused");
  failing = false;
  await recent.casts();
  expect(asked.filter((it) => it === "casts").length).toBe(2);
});
