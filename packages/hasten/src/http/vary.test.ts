import fc from "fast-check";
import { expect, test } from "vitest";
import { addVary, normaliseFieldValue, parseVary, VARY_FIELDS_MAX, variantKey } from "./vary.ts";

test("names are lower-case, sorted and unique", () => {
  expect(parseVary(" Origin,accept-encoding, ,ORIGIN")).toEqual({
    kind: "fields",
    names: ["accept-encoding", "origin"],
  });
});

test("absent and empty vary on nothing", () => {
  expect(parseVary(undefined).kind).toBe("none");
  expect(parseVary(" , ").kind).toBe("none");
});

test.each(["*", "origin, *", "a b", "origin;x", "a".repeat(2000)])(
  "%j matches nothing",
  (value) => {
    expect(parseVary(value).kind).toBe("any");
  },
);

test("too many names match nothing", () => {
  const names = Array.from({ length: VARY_FIELDS_MAX + 1 }, (_, at) => `x-${at}`);
  expect(parseVary(names.join()).kind).toBe("any");
  expect(parseVary(names.slice(1).join()).kind).toBe("fields");
});

test("absent matches only absent", () => {
  const key = (headers: Record<string, string>): string => variantKey(["x"], headers);
  expect(key({})).not.toBe(key({ x: "" }));
  expect(key({ x: "-" })).not.toBe(key({}));
});

test("white space around commas and repeated lines make no new variant", () => {
  const names = ["accept-language"];
  const one = variantKey(names, { "accept-language": "de,  en" });
  expect(variantKey(names, { "accept-language": ["de", "en"] })).toBe(one);
  expect(variantKey(names, { "accept-language": "en,de" })).not.toBe(one);
  expect(normaliseFieldValue(' "a,  b" ')).toBe('"a,  b"');
});

test("a bucket bounds the variants of a field", () => {
  const buckets = {
    "accept-encoding": (v: string | undefined) => (v?.includes("br") ? "br" : "id"),
  };
  const key = (value: string): string =>
    variantKey(["accept-encoding"], { "accept-encoding": value }, buckets);
  expect(key("gzip, br")).toBe(key("br;q=0.9"));
  expect(key("gzip")).not.toBe(key("br"));
});

test("variant keys collide only when the normalised values are equal", () => {
  const value = fc.option(fc.string({ unit: fc.constantFrom(..."ab=;:-1,"), maxLength: 6 }), {
    nil: undefined,
  });
  const key = (a: string | undefined, b: string | undefined): string =>
    variantKey(["a", "b"], { a, b });
  fc.assert(
    fc.property(value, value, value, value, (a, b, c, d) => {
      const equal =
        normaliseFieldValue(a) === normaliseFieldValue(c) &&
        normaliseFieldValue(b) === normaliseFieldValue(d);
      expect(key(a, b) === key(c, d)).toBe(equal);
    }),
    { numRuns: 5000 },
  );
});

// @fastify/compress 9.2 gave `Accept-Encoding, accept-encoding`.
test("a name is added once, whatever its case", () => {
  expect(addVary("accept-encoding", "Accept-Encoding")).toBe("accept-encoding");
  expect(addVary("Origin", "Accept-Encoding")).toBe("Origin, Accept-Encoding");
  expect(addVary("*", "Accept-Encoding")).toBe("*");
  expect(addVary(undefined, "Accept-Encoding")).toBe("Accept-Encoding");
});

test("no field throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      parseVary(text);
      normaliseFieldValue(text);
      addVary(text, "Origin");
    }),
  );
});
