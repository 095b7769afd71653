import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CACHE_CONTROL_LENGTH_MAX,
  DELTA_SECONDS_MAX,
  parseRequestCacheControl,
  parseResponseCacheControl,
} from "./cache-control.ts";

const parse = parseResponseCacheControl;

test("an absent field restricts and permits nothing", () => {
  expect(parse(undefined)).toMatchObject({
    noStore: false,
    private: "none",
    noCache: "none",
    public: false,
    maxAgeSeconds: undefined,
  });
});

test("directives are read in any case, with either form of argument and empty elements", () => {
  const got = parse(' , Public,MAX-AGE="60" ,, s-maxage=0120, stale-while-revalidate=5');
  expect(got).toMatchObject({
    public: true,
    maxAgeSeconds: 60,
    sMaxAgeSeconds: 120,
    staleWhileRevalidateSeconds: 5,
  });
});

test("several field lines are one list", () => {
  expect(parse(["max-age=60", "private"])).toMatchObject({ maxAgeSeconds: 60, private: "all" });
});

test("a qualified private or no-cache names its fields", () => {
  const got = parse('private="Set-Cookie, x-user", no-cache="x-a", no-cache="x-b"');
  expect(got.private).toEqual(["set-cookie", "x-user"]);
  expect(got.noCache).toEqual(["x-a", "x-b"]);
});

// undici 2026: degenerate qualified forms made private responses storable, or threw.
test.each([
  'private=""',
  'private=" "',
  'private=" authorization, "',
  'private="x", private',
  'private, private="x"',
  "private=",
  "private =x",
  "private=a b",
  'private="x',
  'private="x\\"',
  'foo="bar, private',
  'foo="bar\\", private',
  "max-age=60; private",
  "private;max-age=60",
  'private="x"y',
  "PRIVATE=\u0000",
])("%j counts as an unqualified private", (field) => {
  expect(parse(field).private).toBe("all");
});

test.each(['no-cache=""', 'no-cache="', "no-cache, no-cache=x", 'no-cache="a b"'])(
  "%j counts as an unqualified no-cache",
  (field) => {
    expect(parse(field).noCache).toBe("all");
  },
);

test.each(["no-store", "no-store=1", 'no-store="', "no-store =", 'a="no-store', "x;no-store"])(
  "%j counts as no-store",
  (field) => {
    expect(parse(field).noStore).toBe(true);
  },
);

test("a name inside a well-formed quoted argument of another directive does not count", () => {
  expect(parse('ext="private, no-store", max-age=1')).toMatchObject({
    private: "none",
    noStore: false,
    maxAgeSeconds: 1,
  });
});

test.each([
  "max-age",
  "max-age=",
  "max-age=-1",
  "max-age=1.5",
  "max-age=1e9",
  "max-age=1e9999",
  "max-age =60",
  "max-age= 60",
  "max-age=0x10",
  "max-age=60s",
  "max-age=60, max-age=61",
  "max-age='60'",
])("%j is invalid freshness information, so stale", (field) => {
  expect(parse(field).maxAgeSeconds).toBe(0);
});

test("equal duplicates agree and huge values are capped", () => {
  expect(parse("max-age=5, max-age=5").maxAgeSeconds).toBe(5);
  expect(parse(`max-age=${"9".repeat(400)}`).maxAgeSeconds).toBe(DELTA_SECONDS_MAX);
});

test("an overlong field counts as no-store", () => {
  const got = parse(`max-age=60${" ".repeat(CACHE_CONTROL_LENGTH_MAX)}`);
  expect(got).toMatchObject({ noStore: true, private: "all", maxAgeSeconds: 0 });
  expect(parseRequestCacheControl("a".repeat(65_536)).noStore).toBe(true);
});

test("request directives: max-stale without a value takes any staleness, bad values are ignored", () => {
  expect(parseRequestCacheControl("max-stale").maxStaleSeconds).toBe(Number.POSITIVE_INFINITY);
  expect(parseRequestCacheControl("max-stale=7, min-fresh=x, only-if-cached")).toMatchObject({
    maxStaleSeconds: 7,
    minFreshSeconds: undefined,
    onlyIfCached: true,
  });
});

const alphabet = fc.constantFrom(
  ...'privatenostch-=", \\;\t0123456789x\u0000\u00e9',
  "private",
  "no-store",
  "no-cache",
  "max-age=",
  "s-maxage=",
);
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join("")),
);

test("no field throws, and every duration is a whole number of seconds within bounds", () => {
  fc.assert(
    fc.property(hostile, (field) => {
      const got = parse(field);
      parseRequestCacheControl(field);
      for (const seconds of [got.maxAgeSeconds, got.sMaxAgeSeconds, got.staleIfErrorSeconds]) {
        if (seconds === undefined) continue;
        expect(Number.isInteger(seconds) && seconds >= 0 && seconds <= DELTA_SECONDS_MAX).toBe(
          true,
        );
      }
    }),
    { numRuns: 3000 },
  );
});

test("no rubbish before or after a restrictive directive hides it", () => {
  const rubbish = hostile.filter((text) => !text.includes('"') && !text.includes("\\"));
  fc.assert(
    fc.property(rubbish, rubbish, fc.constantFrom("private", "no-store"), (before, after, name) => {
      const got = parse(`${before},${name},${after}`);
      expect(name === "private" ? got.private === "all" : got.noStore).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
