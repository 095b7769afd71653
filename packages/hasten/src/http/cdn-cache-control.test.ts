import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTargetedCacheControl, targetedDirectives } from "./cdn-cache-control.ts";
import { parseDictionary } from "./structured-field.ts";

const parse = parseTargetedCacheControl;

test("a dictionary of directives is read, parameters ignored, the last of equal keys wins", () => {
  expect(parse("max-age=600, max-age=60;why=x, must-revalidate, private=?0")).toMatchObject({
    maxAgeSeconds: 60,
    mustRevalidate: true,
    private: "none",
  });
});

test.each([
  "",
  " ",
  "max-age=60,",
  ",max-age=60",
  "Max-Age=60",
  "max-age = 60",
  "max-age=",
  "max-age=60 private",
  "max-age=1234567890123456",
  'private="x',
  'private="\u00e9"',
  "max-age=60;",
  "max-age=60;a=",
  "max-age=60;A=1",
  "a=(1 2",
  "a=(1,2)",
  "a=?2",
  "max-age=60\u0000",
])("%j is not a usable targeted field, so Cache-Control applies", (field) => {
  expect(parse(field)).toBeUndefined();
});

test("wrongly typed values never permit and never lift a restriction", () => {
  expect(parse('max-age="60"')?.maxAgeSeconds).toBe(0);
  expect(parse("max-age=60.0")?.maxAgeSeconds).toBe(0);
  expect(parse("max-age=-1")?.maxAgeSeconds).toBe(0);
  expect(parse("no-store=1")?.noStore).toBe(true);
  expect(parse("private=1")?.private).toBe("all");
  expect(parse('private=""')?.private).toBe("all");
  expect(parse('private="x-user, set-cookie"')?.private).toEqual(["x-user", "set-cookie"]);
  expect(parse("public=1")?.public).toBe(false);
});

test("the first usable targeted field wins", () => {
  const fields = { "a-cache-control": "max-age=", "cdn-cache-control": ["max-age=9", "public"] };
  const got = targetedDirectives(fields, ["a-cache-control", "cdn-cache-control"]);
  expect(got).toMatchObject({ maxAgeSeconds: 9, public: true });
  expect(targetedDirectives({ "cache-control": "max-age=1" })).toBeUndefined();
});

test("every kind of item is read", () => {
  const got = parseDictionary(
    'a=1, b=-2.5, c="x\\"y", d=t/k:n, e=:aGk=:, f=?0, g, h=(1 "b";q=1 c)',
  );
  expect([...got!.values()].map((member) => member.kind)).toEqual(
    "integer decimal string token bytes boolean boolean list".split(" "),
  );
  expect(got!.get("c")?.value).toBe('x"y');
});

test("no text throws", () => {
  const part = fc.constantFrom("max-age", "=", "60", ",", " ", ";", '"', "(", ")", "?1", ":", "\\");
  const near = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), near), (text) => {
      parse(text);
    }),
    { numRuns: 3000 },
  );
});
