import fc from "fast-check";
import { expect, test } from "vitest";
import { JSON_DEPTH_MAX, jsonErrors, mergePatch } from "./json.ts";

test("what jsonb cannot keep is named by its place", () => {
  const body = JSON.parse('{"a":["x\\u0000"],"b":{"c/d":"\\ud800"},"e":1e999,"__proto__":{"x":1}}');
  expect(jsonErrors(body).map(({ field }) => field)).toEqual(
    expect.arrayContaining(["/a/0", "/b/c~1d", "/e", "/__proto__"]),
  );
});

test("any JSON of usual depth is fit, and any depth is answered", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value);
      if (text.includes("\\u0000") || text.includes("__proto__") || /\\ud[89a-f]/i.test(text))
        return;
      expect(jsonErrors(JSON.parse(text))).toEqual([]);
    }),
  );
  const deep = JSON.parse("[".repeat(200_000) + "]".repeat(200_000));
  expect(jsonErrors(deep)[0]?.message).toBe(`must not nest deeper than ${JSON_DEPTH_MAX}`);
});

test.each([
  // The examples of RFC 7396, appendix A.
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])("merging into %j the patch %j gives %j", (target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected);
});
