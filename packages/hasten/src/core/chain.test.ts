import fc from "fast-check";
import { expect, test } from "vitest";
import { Chain, type Linked } from "./chain.ts";

class Bead implements Linked<Bead> {
  _older: Bead | undefined = undefined;
  _newer: Bead | undefined = undefined;
}

function inOrder(chain: Chain<Bead>): Bead[] {
  const beads: Bead[] = [];
  for (let bead = chain.oldest; bead !== undefined; bead = bead._newer) beads.push(bead);
  return beads;
}

test("a chain holds what was pushed and not removed, oldest first, as a Set does", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20), { nil: undefined })), (steps) => {
      const chain = new Chain<Bead>();
      const model = new Set<Bead>();
      for (const at of steps) {
        if (at === undefined) {
          const bead = new Bead();
          chain.push(bead);
          model.add(bead);
        } else {
          const bead = [...model][at % Math.max(1, model.size)];
          if (bead === undefined) continue;
          chain.remove(bead);
          model.delete(bead);
          expect([bead._older, bead._newer]).toEqual([undefined, undefined]);
        }
        expect(inOrder(chain)).toEqual([...model]);
        expect(chain.size).toBe(model.size);
      }
    }),
  );
});

test("an element that was removed can be pushed again", () => {
  const chain = new Chain<Bead>();
  const [a, b] = [new Bead(), new Bead()];
  chain.push(a);
  chain.push(b);
  chain.remove(a);
  chain.push(a);
  expect(inOrder(chain)).toEqual([b, a]);
});
