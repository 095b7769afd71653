import { expect, test } from "vitest";
import { randomSource } from "../../../packages/hasten/src/cache/memory/hash.ts";
import { generatedTraces } from "./generated.ts";
import { type Measured, measure, POLICIES, POLICY_NAMES, shortfall } from "./measure.ts";
import { hitRatioTable, shortfallTable } from "./tables.ts";
import { trace } from "./traces.ts";

const KEYS = 500;

function requests(count: number): Uint32Array {
  const random = randomSource(3);
  return Uint32Array.from({ length: count }, () => Math.floor((random() / 2 ** 32) ** 2 * KEYS));
}

/** LRU as one would write it first. */
function naiveLruHits(keys: Uint32Array, entriesMax: number): number {
  const held: number[] = [];
  let hits = 0;
  for (const key of keys) {
    const at = held.indexOf(key);
    if (at >= 0) {
      hits += 1;
      held.splice(at, 1);
    } else if (held.length === entriesMax) held.shift();
    held.push(key);
  }
  return hits;
}

/** SIEVE as one would write it first: newest at the end, the hand moves from oldest to newest. */
function naiveSieveHits(keys: Uint32Array, entriesMax: number): number {
  const held: { key: number; visited: boolean }[] = [];
  let hand = 0;
  let hits = 0;
  for (const key of keys) {
    const entry = held.find((one) => one.key === key);
    if (entry !== undefined) {
      entry.visited = true;
      hits += 1;
      continue;
    }
    if (held.length === entriesMax) {
      while (held[hand]!.visited) {
        held[hand]!.visited = false;
        hand = (hand + 1) % held.length;
      }
      held.splice(hand, 1);
      if (hand === held.length) hand = 0;
    }
    held.push({ key, visited: false });
  }
  return hits;
}

function hits(name: keyof typeof POLICIES, keys: Uint32Array, entriesMax: number): number {
  const policy = POLICIES[name]({ entriesMax, keys: KEYS });
  return keys.filter((key) => policy.access(key)).length;
}

test("LRU and SIEVE hit exactly as their plainest forms do", () => {
  const keys = requests(8_000);
  for (const entriesMax of [1, 2, 7, 60, 300]) {
    expect(hits("LRU", keys, entriesMax)).toBe(naiveLruHits(keys, entriesMax));
    expect(hits("SIEVE", keys, entriesMax)).toBe(naiveSieveHits(keys, entriesMax));
  }
});

test("every policy hits all but the first request when everything fits", () => {
  const keys = requests(5_000);
  const distinct = new Set(keys).size;
  for (const name of POLICY_NAMES) expect(hits(name, keys, KEYS)).toBe(keys.length - distinct);
});

test("no policy hits more often than its size allows on keys asked for evenly", () => {
  const random = randomSource(1);
  const keys = Uint32Array.from({ length: 20_000 }, () => random() % KEYS);
  for (const name of POLICY_NAMES)
    expect(hits(name, keys, KEYS / 10) / keys.length).toBeLessThan(0.12);
});

test("generated traces are the same in every run", () => {
  const [one, two] = [generatedTraces(), generatedTraces()];
  expect(one.map((each) => each.requests)).toEqual(two.map((each) => each.requests));
});

test("a shortfall counts against the best policy and, where below it, against LRU", () => {
  const at = (lru: number, hasten: number, sieve: number): Measured => ({
    trace: "t",
    entriesMax: 1,
    hitPercent: {
      LRU: lru,
      SIEVE: sieve,
      "S3-FIFO": 0,
      "W-TinyLFU 1 %": 0,
      "W-TinyLFU climbing": 0,
      hasten,
    },
  });
  const measured = [at(10, 9, 12), at(10, 20, 5)];
  expect(shortfall("hasten", measured)).toEqual({ mean: 1.5, worst: 3, belowLru: 1 });
  expect(shortfall("SIEVE", measured)).toEqual({ mean: 7.5, worst: 15, belowLru: 5 });
  expect(shortfallTable(measured)).toContain("| hasten | 1.50 | 3.00 | 1.00 |");
  expect(hitRatioTable(measured)).toContain(
    "| t | 1 | 10.00 | 5.00 | 0.00 | 0.00 | 0.00 | **20.00** |",
  );
});

test("a trace is measured at every size and renames nothing", () => {
  const small = trace("small", requests(2_000), [33]);
  expect(small.sizes).toContain(33);
  expect(measure([small]).map((one) => one.entriesMax)).toEqual(small.sizes);
});
