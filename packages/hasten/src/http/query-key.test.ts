import fc from "fast-check";
import { expect, test } from "vitest";
import { joinKey } from "./cache-key.ts";
import { QUERY_LENGTH_MAX, QUERY_PARAMETERS_MAX, queryKey } from "./query-key.ts";

const key = (raw: string | undefined, allow?: readonly string[]): string => {
  const result = queryKey(raw, { allow });
  return result.kind === "key" ? result.key : result.because;
};

test("a URL without a query, with an empty one and with parameters have three keys", () => {
  expect([key(undefined), key(""), key("a=1")]).toEqual(["", "?", "?a=1"]);
});

test("names are sorted, repeated names keep their order", () => {
  expect(key("b=1&a=2&b=0")).toBe("?a=2&b=1&b=0");
  expect(key("b=0&a=2&b=1")).not.toBe(key("b=1&a=2&b=0"));
});

test("%2F is not decoded; escapes of unreserved characters are", () => {
  expect(key("p=a%2fb")).toBe("?p=a%2Fb");
  expect(key("p=a/b")).toBe("?p=a/b");
  expect(key("%70=%7Ex")).toBe("?p=~x");
  expect(key("a=1%26b=2")).not.toBe(key("a=1&b=2"));
});

test("what the allow-list leaves out is neither in the key nor in the parameters", () => {
  const raw = "utm_source=x&page=2&__proto__=y&%70age=3&appendKey=z";
  expect(queryKey(raw, { allow: ["page"] })).toEqual({
    kind: "key",
    key: "?page=2&page=3",
    parameters: [
      ["page", "2"],
      ["page", "3"],
    ],
  });
  expect(key("utm_source=x", ["page"])).toBe("");
});

test("overlong, overfull and undecodable queries are not keyed", () => {
  expect(key("a".repeat(QUERY_LENGTH_MAX + 1))).toBe("length");
  expect(key("a".repeat(QUERY_LENGTH_MAX))).toHaveLength(QUERY_LENGTH_MAX + 1);
  expect(key("a&".repeat(QUERY_PARAMETERS_MAX))).toMatch(/^\?a&/);
  expect(key("a&".repeat(QUERY_PARAMETERS_MAX + 1))).toBe("parameters");
  expect(key("a=%ff")).toBe("encoding");
  expect(key("a=%")).toBe("encoding");
});

test("equal keys mean that a handler reads equal parameters; nothing throws", () => {
  const raw = fc
    .array(fc.constantFrom(..."ab=&%2F+;", "%61", "%2f", "utm=1", "&"))
    .map((p) => p.join(""));
  fc.assert(
    fc.property(raw, raw, (one, two) => {
      const a = queryKey(one);
      const b = queryKey(two);
      if (a.kind !== "key" || b.kind !== "key" || a.key !== b.key) return;
      expect(a.parameters).toEqual(b.parameters);
    }),
    { numRuns: 10_000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      queryKey(text);
    }),
  );
});

test("canonicalising is idempotent", () => {
  fc.assert(
    fc.property(fc.webQueryParameters(), (raw) => {
      const once = key(raw);
      if (once.startsWith("?")) expect(key(once.slice(1))).toBe(once);
    }),
  );
});

test("200,000 random component tuples, chosen to confuse, never share a key", () => {
  const seen = new Map<string, string>();
  let seed = 42;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const pieces = [
    "",
    "-",
    ":",
    "1:",
    "0:",
    "a",
    "a:b",
    "2:a:",
    "$$appendKey=",
    "?",
    "\0",
    "\ud83d\ude00",
  ];
  for (let run = 0; run < 200_000; run++) {
    const tuple = Array.from({ length: random(5) }, () => {
      if (random(8) === 0) return undefined;
      return Array.from({ length: random(4) }, () => pieces[random(pieces.length)]).join("");
    });
    const joined = joinKey(tuple);
    const spelled = JSON.stringify(tuple.map((part) => part ?? null));
    const before = seen.get(joined);
    if (before !== undefined && before !== spelled) expect(before).toBe(spelled);
    seen.set(joined, spelled);
  }
  expect(seen.size).toBeGreaterThan(50_000);
});
