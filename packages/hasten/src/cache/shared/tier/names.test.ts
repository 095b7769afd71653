import { expect, test } from "vitest";
import { EVERYTHING, type Named, Names, names } from "./names.ts";

const named = (over: Partial<Named>): Named => ({
  how: "deleted",
  keys: [],
  tags: [],
  prefixes: [],
  ...over,
});
const subject = { key: "p:k", tags: ["t"], prefixes: ["p:"] };

test("delete beats expire, whichever came first", () => {
  const some = new Names(10);
  some.add(named({ how: "expired", keys: ["p:k", "x"] }));
  expect(some.cover(subject)).toBe("expired");
  some.add(named({ keys: ["p:k"] }));
  some.add(named({ how: "expired", keys: ["p:k"] }));
  expect(some.cover(subject)).toBe("deleted");
  expect(some.size).toBe(2);
  expect(some.take(10)).toEqual([named({ keys: ["p:k"] }), named({ how: "expired", keys: ["x"] })]);
  expect(some.empty).toBe(true);
  expect(some.cover(subject)).toBeUndefined();
});

test("an entry is covered by its key, its tags and its prefixes, and by everything", () => {
  for (const over of [{ keys: ["p:k"] }, { tags: ["t"] }, { prefixes: ["p:"] }]) {
    const some = new Names(10);
    some.add(named(over));
    expect(some.cover(subject)).toBe("deleted");
    expect(some.cover({ key: "q", tags: ["u"], prefixes: [] })).toBeUndefined();
    expect(names(named(over), subject)).toBe(true);
    expect(names(named(over), { key: "q", tags: ["u"], prefixes: ["q:"] })).toBe(false);
  }
  expect(names(EVERYTHING, subject)).toBe(true);
});

test("at most so many names; one more makes it everything, which takes in all that follows", () => {
  const some = new Names(3);
  some.add(named({ keys: ["a", "b", "c", "a"] }));
  expect(some.everything).toBe(false);
  some.add(named({ how: "expired", tags: ["d"] }));
  expect(some.everything).toBe(true);
  expect(some.size).toBe(1);
  some.add(named({ keys: ["e"] }));
  expect(some.cover({ key: "any", tags: [], prefixes: [] })).toBe("deleted");
  expect(some.take(2)).toEqual([EVERYTHING]);
  expect(some.empty).toBe(true);
});

test("taken in parts", () => {
  const some = new Names(100);
  some.add(named({ keys: ["a", "b", "c"], tags: ["t", "u"] }));
  some.add(named({ how: "expired", prefixes: ["p:"] }));
  expect(some.take(2)).toEqual([
    named({ keys: ["a", "b"] }),
    named({ keys: ["c"], tags: ["t"] }),
    named({ tags: ["u"] }),
    named({ how: "expired", prefixes: ["p:"] }),
  ]);
});
