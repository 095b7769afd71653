import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HastenError } from "../../core/errors.ts";
import { createMemoryStore, MemoryNode, type MemoryStore } from "./index.ts";

class Entry extends MemoryNode {
  readonly value: number;
  constructor(key: string, bytes: number, value: number) {
    super(key, bytes);
    this.value = value;
  }
}

type Step =
  | { readonly kind: "get" | "peek" | "delete"; readonly key: string }
  | { readonly kind: "set"; readonly key: string; readonly bytes: number }
  | { readonly kind: "clear" };

const keys = fc.integer({ min: 0, max: 60 }).map((n) => `key:${n}`);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 100, arbitrary: fc.record({ kind: fc.constant("get" as const), key: keys }) },
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("peek" as const), key: keys }) },
  {
    weight: 100,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      key: keys,
      bytes: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 400 })),
    }),
  },
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: keys }) },
  { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
);

/** A store beside the plainest model: what was set last and is not known to be lost. */
class Checked {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly store: MemoryStore<Entry>;
  readonly model = new Map<string, Entry>();
  readonly lost = new Set<Entry>();
  #value = 0;

  constructor(entriesMax: number, bytesMax: number) {
    this.entriesMax = entriesMax;
    this.bytesMax = bytesMax;
    this.store = createMemoryStore<Entry>({
      entriesMax,
      bytesMax,
      seed: 1,
      onEvict: (node, why) => {
        expect(why).toBe("capacity");
        expect(this.lost.has(node)).toBe(false);
        this.lost.add(node);
        if (this.model.get(node.key) === node) this.model.delete(node.key);
      },
    });
  }

  apply(step: Step): void {
    if (step.kind === "clear") {
      this.store.clear();
      this.model.clear();
    } else if (step.kind === "delete") {
      expect(this.store.delete(step.key)).toBe(this.model.get(step.key));
      this.model.delete(step.key);
    } else if (step.kind === "set") {
      const node = new Entry(step.key, step.bytes, this.#value++);
      this.model.set(step.key, node);
      const outcome = this.store.set(node);
      expect(outcome).toBe(this.lost.has(node) ? "rejected" : "stored");
    } else {
      const { store } = this;
      const read = step.kind === "get" ? store.get(step.key) : store.peek(step.key);
      expect(read).toBe(this.model.get(step.key));
    }
  }

  checkBounds(): void {
    let bytes = 0;
    for (const node of this.model.values()) bytes += node.bytes;
    expect(this.store.size).toBe(this.model.size);
    expect(this.store.bytes).toBe(bytes);
    expect(this.store.size).toBeLessThanOrEqual(this.entriesMax);
    expect(this.store.bytes).toBeLessThanOrEqual(this.bytesMax);
  }
}

test("any sequence of operations keeps both bounds, returns what was set last and reports each loss once", () => {
  const bounds = fc.record({
    entriesMax: fc.integer({ min: 1, max: 50 }),
    bytesMax: fc.integer({ min: 1, max: 1_000 }),
  });
  const property = fc.property(
    bounds,
    fc.array(step, { maxLength: 400 }),
    ({ entriesMax, bytesMax }, steps) => {
      const checked = new Checked(entriesMax, bytesMax);
      for (const each of steps) {
        checked.apply(each);
        checked.checkBounds();
      }
      expect(new Set(checked.store.values())).toEqual(new Set(checked.model.values()));
    },
  );
  void fc.assert(property, { numRuns: 300 });
});

test("a node larger than the byte bound is rejected and takes the previous node with it", () => {
  const store = createMemoryStore<Entry>({ entriesMax: 10, bytesMax: 100 });
  store.set(new Entry("a", 10, 1));
  expect(store.set(new Entry("a", 101, 2))).toBe("rejected");
  expect(store.peek("a")).toBeUndefined();
  expect([store.size, store.bytes]).toEqual([0, 0]);
});

test("a size that is not a number is rejected, a fraction counts as the next whole byte", () => {
  const store = createMemoryStore<Entry>({ entriesMax: 10, bytesMax: 100 });
  expect(store.set(new Entry("a", Number.NaN, 1))).toBe("rejected");
  expect(store.set(new Entry("b", -5, 1))).toBe("rejected");
  expect(store.set(new Entry("c", 1.2, 1))).toBe("stored");
  expect(store.bytes).toBe(2);
});

test("setting a node that is already stored counts it once", () => {
  const store = createMemoryStore<Entry>({ entriesMax: 2, bytesMax: 100 });
  const node = new Entry("a", 30, 1);
  store.set(node);
  expect(store.set(node)).toBe("stored");
  expect([store.size, store.bytes]).toEqual([1, 30]);
});

test("a cleared store forgets everything and takes its old nodes again", () => {
  const store = createMemoryStore<Entry>({ entriesMax: 100, bytesMax: 10_000 });
  const nodes = Array.from({ length: 100 }, (_, n) => new Entry(`k${n}`, 10, n));
  for (const node of nodes) store.set(node);
  store.clear();
  expect([store.size, store.bytes, [...store.values()].length]).toEqual([0, 0, 0]);
  expect(store.get("k5")).toBeUndefined();
  for (const node of nodes) expect(store.set(node)).toBe("stored");
  expect([store.size, store.bytes]).toEqual([100, 1_000]);
});

test("the eviction callback may read, delete, set and clear the same store", () => {
  let depth = 0;
  let calls = 0;
  const store: MemoryStore<Entry> = createMemoryStore<Entry>({
    entriesMax: 5,
    bytesMax: 500,
    onEvict: () => {
      calls += 1;
      if (depth > 2) return;
      depth += 1;
      store.delete([...store.values()][0]?.key ?? "");
      store.set(new Entry(`nested:${calls}`, 120, 0));
      if (calls % 7 === 0) store.clear();
      depth -= 1;
    },
  });
  for (let n = 0; n < 500; n++) {
    store.set(new Entry(`k${n % 40}`, (n * 37) % 300, n));
    store.get(`k${n % 11}`);
    let bytes = 0;
    for (const node of store.values()) bytes += node.bytes;
    expect(store.bytes).toBe(bytes);
    expect(store.size).toBeLessThanOrEqual(5);
    expect(store.bytes).toBeLessThanOrEqual(500);
  }
  expect(calls).toBeGreaterThan(50);
});

test("nodes may be deleted while the store is iterated", () => {
  const store = createMemoryStore<Entry>({ entriesMax: 100, bytesMax: 10_000 });
  for (let n = 0; n < 50; n++) store.set(new Entry(`k${n}`, 1, n));
  for (const node of store.values()) store.delete(node.key);
  expect([store.size, store.bytes]).toEqual([0, 0]);
});

test("impossible bounds are refused with a code", () => {
  for (const entriesMax of [0, -1, 1.5, Number.NaN, 2 ** 40])
    expect(() => createMemoryStore({ entriesMax, bytesMax: 1 })).toThrow(HastenError);
  for (const bytesMax of [0, Number.POSITIVE_INFINITY, 0.5])
    expect(() => createMemoryStore({ entriesMax: 1, bytesMax })).toThrow("HST_MEMORY_BYTES_MAX");
});
