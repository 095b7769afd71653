import fc from "fast-check";
import { expect, test } from "vitest";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const EXAMPLE_MS = Date.UTC(1994, 10, 6, 8, 49, 37);

test.each([
  "Sun, 06 Nov 1994 08:49:37 GMT",
  "Sunday, 06-Nov-94 08:49:37 GMT",
  "Sun Nov  6 08:49:37 1994",
])("%j is the example of RFC 9110", (text) => {
  expect(parseHttpDate(text, NOW_MS)).toBe(EXAMPLE_MS);
});

test.each([
  "",
  "0",
  "-1",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "sun, 06 Nov 1994 08:49:37 GMT",
  "Sun, 06 nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 08:49:37 gmt",
  "Sun, 06 Nov 1994 08:49:37 UTC",
  "Sun, 06 Nov 1994 08:49:37 AEST",
  "Sun, 06 Nov 1994 08:49:37",
  "Sun 06 Nov 1994 08:49:37 GMT",
  "Sun, 06  Nov 1994 08:49:37 GMT",
  "Sun, 06-Nov-1994 08:49:37 GMT",
  "Sun, 06 Nov 94 08:49:37 GMT",
  "Sun, 06 Nov 1994 8:49:37 GMT",
  "Sun, 06 Nov 1994 08.49.37 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 06 Nov 1994 08:60:00 GMT",
  "Mon, 06 Nov 1994 08:49:37 GMT",
  "Thu, 31 Feb 2030 00:00:00 GMT",
  "1994-11-06T08:49:37Z",
  "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
  " Sun, 06 Nov 1994 08:49:37 GMT",
])("%j is not an HTTP-date", (text) => {
  expect(parseHttpDate(text, NOW_MS)).toBeUndefined();
});

test("a two-digit year more than 50 years ahead is in the past", () => {
  expect(parseHttpDate("Saturday, 01-Jan-77 00:00:00 GMT", NOW_MS)).toBe(Date.UTC(1977, 0, 1));
  expect(parseHttpDate("Wednesday, 01-Jan-76 00:00:00 GMT", NOW_MS)).toBe(Date.UTC(2076, 0, 1));
});

test("a leap second is accepted", () => {
  expect(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT")).toBe(Date.UTC(2017, 0, 1));
});

test("every whole second from 1970 to 9999 survives formatting and parsing", () => {
  const secondsMax = Date.UTC(9999, 11, 31) / 1000;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: secondsMax }), (seconds) => {
      expect(parseHttpDate(formatHttpDate(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

test("formatting clamps what it cannot say", () => {
  expect(formatHttpDate(Number.NaN)).toBe("Thu, 01 Jan 1970 00:00:00 GMT");
  expect(formatHttpDate(Number.MAX_VALUE)).toBe("Fri, 31 Dec 9999 23:59:59 GMT");
});

test("no text throws", () => {
  const near = fc
    .array(fc.constantFrom("Sun", ", ", "06", " ", "Nov", "-", "1994", "08:49:37", "GMT"))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), near), (text) => {
      const ms = parseHttpDate(text, NOW_MS);
      expect(ms === undefined || Number.isInteger(ms)).toBe(true);
    }),
  );
});
