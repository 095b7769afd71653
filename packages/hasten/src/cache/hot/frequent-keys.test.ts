import fc from "fast-check";
import { expect, test } from "vitest";
import { FrequentKeys } from "./frequent-keys.ts";

const stream = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 30 }).map(String), fc.integer({ min: 1, max: 300 })),
  { maxLength: 400 },
);

test("a key's weight lies within its bounds, the error within its share, memory within its bound", () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 8 }), (items, capacity) => {
      const sketch = new FrequentKeys(capacity);
      const exact = new Map<string, number>();
      let whole = 0;
      for (const [key, weight] of items) {
        sketch.add(key, weight);
        exact.set(key, (exact.get(key) ?? 0) + weight);
        whole += weight;
        expect(sketch.size).toBeLessThanOrEqual(2 * capacity);
      }
      const held = sketch.top(100);
      for (const { key, atLeast, atMost } of held) {
        expect(atLeast).toBeLessThanOrEqual(exact.get(key)!);
        expect(atMost).toBeGreaterThanOrEqual(exact.get(key)!);
        expect(atMost - atLeast).toBeLessThanOrEqual(whole / (capacity + 1));
      }
      for (const [key, weight] of exact)
        if (weight > whole / (capacity + 1)) expect(sketch.weightOf(key)).toBeGreaterThan(0);
    }),
  );
});

test("the bounds hold for a fading stream as well", () => {
  const step = fc.oneof(
    fc.record({ key: fc.integer({ min: 0, max: 20 }).map(String), weight: fc.nat(100) }),
    fc.constant("halve" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const sketch = new FrequentKeys(4);
      const exact = new Map<string, number>();
      for (const one of steps) {
        if (one === "halve") {
          sketch.halve();
          for (const [key, weight] of exact) exact.set(key, weight / 2);
        } else {
          sketch.add(one.key, one.weight);
          exact.set(one.key, (exact.get(one.key) ?? 0) + one.weight);
        }
      }
      for (const { key, atLeast, atMost } of sketch.top(100)) {
        expect(atLeast).toBeLessThanOrEqual(exact.get(key)! + 1e-9);
        expect(atMost).toBeGreaterThanOrEqual(exact.get(key)! - 1e-9);
      }
    }),
  );
});

test("the heaviest come first", () => {
  const sketch = new FrequentKeys(10);
  for (const [key, weight] of [
    ["a", 1],
    ["b", 5],
    ["c", 3],
  ] as const)
    sketch.add(key, weight);
  expect(sketch.top(2).map(({ key }) => key)).toEqual(["b", "c"]);
});
