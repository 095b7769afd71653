import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FREQUENCY_BITS, PROBATION, PROTECTED, Slots, VISITED, WINDOW } from "./slots.ts";

const REGIONS = [WINDOW, PROBATION, PROTECTED];
const region = fc.constantFrom(...REGIONS);
const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), region, weight: fc.nat(1_000) }),
  fc.record({ kind: fc.constant("relocate" as const), region, pick: fc.nat() }),
  fc.record({ kind: fc.constant("reweigh" as const), weight: fc.nat(1_000), pick: fc.nat() }),
  fc.record({ kind: fc.constant("remove" as const), pick: fc.nat() }),
);

/** Slots of a region, newest first, by its list. */
function listed(slots: Slots, head: number): number[] {
  const found: number[] = [];
  for (let at = slots.lists.next[head]!; at !== head; at = slots.lists.next[at]!) found.push(at);
  return found;
}

test("lists, counts and sums agree with plain arrays after any sequence of changes", () => {
  const property = fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const slots = new Slots(200);
    const model: number[][] = [[], [], []];
    const weights = new Map<number, number>();
    const drop = (slot: number): void => {
      for (const list of model) if (list.includes(slot)) list.splice(list.indexOf(slot), 1);
    };
    for (const each of steps) {
      if (each.kind === "add") {
        if (weights.size === 200) continue;
        const slot = slots.add(each.region, 0, each.weight);
        expect(weights.has(slot)).toBe(false);
        model[each.region]!.unshift(slot);
        weights.set(slot, each.weight);
        continue;
      }
      const held = [...weights.keys()];
      if (held.length === 0) continue;
      const slot = held[each.pick % held.length]!;
      if (each.kind === "relocate") {
        drop(slot);
        model[each.region]!.unshift(slot);
        slots.relocate(each.region, slot);
      } else if (each.kind === "reweigh") {
        weights.set(slot, each.weight);
        slots.reweigh(slot, each.weight);
      } else {
        drop(slot);
        weights.delete(slot);
        slots.remove(slot);
      }
    }
    for (const head of REGIONS) {
      expect(listed(slots, head)).toEqual(model[head]);
      expect(slots.oldest(head)).toBe(model[head]!.at(-1) ?? head);
      expect(slots.entries[head]).toBe(model[head]!.length);
      const sum = model[head]!.reduce((total, slot) => total + weights.get(slot)!, 0);
      expect(slots.weights[head]).toBe(sum);
    }
  });
  void fc.assert(property, { numRuns: 200 });
});

test("a visit is taken once and leaves the frequency", () => {
  const slots = new Slots(4);
  const slot = slots.add(WINDOW, 0, 1);
  slots.heat[slot] = VISITED | 5;
  expect([slots.takeVisit(slot), slots.takeVisit(slot)]).toEqual([true, false]);
  expect(slots.frequency(slot)).toBe(5);
});

test("ageing halves frequencies rounded up and keeps visits", () => {
  const slots = new Slots(40);
  for (let frequency = 0; frequency <= FREQUENCY_BITS; frequency++)
    slots.heat[slots.add(WINDOW, 0, 1)] = frequency | (frequency % 2 === 0 ? VISITED : 0);
  slots.age();
  const aged = listed(slots, WINDOW).reverse();
  expect(aged.map((slot) => slots.frequency(slot))).toEqual([
    0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8,
  ]);
  expect(aged.map((slot) => slots.takeVisit(slot))).toEqual(aged.map((_, n) => n % 2 === 0));
});
