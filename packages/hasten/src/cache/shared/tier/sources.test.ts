import { expect, test } from "vitest";
import type { Instant } from "../../../core/trust.ts";
import { type Left, Sources } from "./sources.ts";

const at = (ms: number): Instant => ({ monotonicMs: ms, wallMs: ms });
const left = (record: string): ReadonlyMap<string, Left> =>
  new Map([["s", { record, over: false }]]);

function setup(shards: number) {
  const heard: (string | undefined)[] = [];
  const sources = new Sources(shards, () => at(0));
  const detach = sources.attach("s", {
    trust: () => undefined,
    heard: ({ record }) => heard.push(record),
  });
  return { sources, heard, detach };
}

test("one shard: told with each confirmation, also that nothing is left", () => {
  const { sources, heard, detach } = setup(1);
  sources.confirmed(0, at(1), at(2), left("a"));
  sources.confirmed(0, at(3), at(4), new Map());
  expect(heard).toEqual(["a", undefined]);
  detach();
  sources.confirmed(0, at(5), at(6), left("b"));
  expect(heard).toHaveLength(2);
});

test("several: only when every other was confirmed by a question from after the answer", () => {
  const { sources, heard } = setup(3);
  sources.confirmed(0, at(10), at(20), left("a"));
  sources.confirmed(1, at(19), at(25), new Map());
  sources.confirmed(2, at(20), at(25), new Map());
  expect(heard).toEqual([]);
  // A later word does not push out the one that waits.
  sources.confirmed(0, at(30), at(31), left("b"));
  sources.confirmed(1, at(30), at(35), new Map());
  expect(heard).toEqual(["a"]);
  sources.confirmed(0, at(40), at(41), left("b"));
  sources.gap();
  sources.confirmed(1, at(50), at(51), new Map());
  sources.confirmed(2, at(50), at(51), new Map());
  expect(heard).toEqual(["a"]);
});
