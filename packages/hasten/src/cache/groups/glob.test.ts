import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeGlob, parseGlob } from "./glob.ts";

const matches = (glob: string, key: string) => parseGlob(glob).matches(key);

test.each([
  ["user:*", "user:7", true],
  ["user:*", "user:", true],
  ["user:*", "users:7", false],
  ["*:7", "user:7", true],
  ["user:?", "user:é", true],
  ["user:?", "user:71", false],
  ["user:[0-9]", "user:7", true],
  ["user:[^0-9]", "user:7", false],
  ["user:[a\\]]", "user:]", true],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
  ["*a*b*", "xxaxxbxx", true],
  ["*a*b*", "xxbxxaxx", false],
] as const)("%s and %s: %s", (glob, key, expected) => {
  expect(matches(glob, key)).toBe(expected);
});

test.each(["", "[a", "[]", "a\\", "x".repeat(513)])("%s is no glob", (glob) => {
  expect(() => parseGlob(glob)).toThrow("HST_CACHE_GLOB");
});

const hostile = fc.string({ unit: fc.constantFrom(..."*?[]^-\\ab:é%"), maxLength: 12 });

test("escaped text matches itself and nothing else", () => {
  fc.assert(
    fc.property(hostile, hostile, (text, other) => {
      fc.pre(text !== "");
      expect(matches(escapeGlob(text), text)).toBe(true);
      expect(matches(escapeGlob(text), other)).toBe(text === other);
      expect(matches(`${escapeGlob(text)}*`, text + other)).toBe(true);
    }),
  );
});

/** A glob without classes as a regular expression: another way to say the same. */
function asPattern(glob: string): RegExp {
  const body = glob.replace(/\\?[\s\S]/g, (one) => {
    if (one === "*") return ".*";
    if (one === "?") return ".";
    return `\\u${one.at(-1)!.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return new RegExp(`^${body}$`, "s");
}

test("globs without classes agree with regular expressions", () => {
  const glob = fc.string({ unit: fc.constantFrom("*", "?", "a", "b", "\\*", "\\a"), maxLength: 8 });
  const key = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(glob, key, (one, text) => {
      fc.pre(one !== "");
      expect(matches(one, text)).toBe(asPattern(one).test(text));
    }),
    { numRuns: 1_000 },
  );
});

test("what is asked of Redis matches at least the same", () => {
  const glob = fc.string({
    unit: fc.constantFrom("*", "?", "a", "é", "[ab]", "[^é]", "\\*"),
    maxLength: 8,
  });
  const key = fc.string({ unit: fc.constantFrom("a", "b", "é", "*"), maxLength: 8 });
  fc.assert(
    fc.property(glob, key, (one, text) => {
      fc.pre(one !== "");
      const { matches: exact, wide } = parseGlob(one);
      const bytes = Buffer.from(text, "utf8").toString("latin1");
      if (exact(text)) expect(matches(wide, bytes)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("a glob of many stars takes no exponential time", () => {
  expect(matches("*a".repeat(200), `${"a".repeat(2_000)}b`)).toBe(false);
});
