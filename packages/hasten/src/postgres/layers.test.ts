import { expect, test } from "vitest";
import { addLayer, putBackUnder } from "./layers.ts";

class Thing {
  say(word: string): string {
    return word;
  }
}
type Say = Thing["say"];
const around =
  (mark: string) =>
  (below: Say): Say =>
  (word) =>
    `${mark}(${below(word)})`;

test.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  "layers go in the order %j, and the last leaves the object as it was",
  (order) => {
    const thing = new Thing();
    const undo = ["a", "b", "c"].map((mark) => addLayer(thing, "say", around(mark)));
    expect(thing.say("x")).toBe("c(b(a(x)))");
    const left = new Set([0, 1, 2]);
    for (const index of order) {
      undo[index]!();
      undo[index]!();
      left.delete(index);
      const wanted = [...left].reduce((said, one) => `${"abc"[one]}(${said})`, "x");
      expect(thing.say("x")).toBe(wanted);
    }
    expect(Object.hasOwn(thing, "say")).toBe(false);
  },
);

test("what was assigned beneath a layer is put back under it", () => {
  const thing = new Thing();
  const before = Object.getOwnPropertyDescriptor(thing, "say");
  thing.say = (word) => `assigned(${word})`;
  const first = addLayer(thing, "say", around("a"));
  const second = addLayer(thing, "say", around("b"));
  putBackUnder(thing, "say", before);
  expect(thing.say("x")).toBe("b(a(x))");
  first();
  expect(thing.say("x")).toBe("b(x)");
  second();
  expect(Object.hasOwn(thing, "say")).toBe(false);
});

test("what was assigned above a layer keeps what it called", () => {
  const thing = new Thing();
  const undo = addLayer(thing, "say", around("a"));
  const before = Object.getOwnPropertyDescriptor(thing, "say");
  const below = thing.say;
  thing.say = (word) => `assigned(${below.call(thing, word)})`;
  undo();
  expect(thing.say("x")).toBe("assigned(x)");
  putBackUnder(thing, "say", before);
  expect(Object.hasOwn(thing, "say")).toBe(false);
  expect(thing.say("x")).toBe("x");
});
