import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluateRange } from "./range.ts";

const MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT";
const body = { bytes: 10, etag: '"a"', lastModified: MODIFIED };
const range = (value: string, more: Record<string, string> = {}): string => {
  const outcome = evaluateRange("GET", { range: value, ...more }, body);
  return outcome.kind === "whole" ? "whole" : outcome.contentRange;
};

test.each([
  ["bytes=0-1", "bytes 0-1/10"],
  ["bytes=0-", "bytes 0-9/10"],
  ["bytes=9-9", "bytes 9-9/10"],
  ["bytes=5-999", "bytes 5-9/10"],
  ["bytes=-3", "bytes 7-9/10"],
  ["bytes=-99", "bytes 0-9/10"],
  ["Bytes=0-1", "bytes 0-1/10"],
  ["bytes=10-", "bytes */10"],
  ["bytes=-0", "bytes */10"],
  ["bytes=0-1,3-4", "whole"],
  ["bytes=2-1", "whole"],
  ["bytes=-", "whole"],
  ["bytes=a-b", "whole"],
  ["items=0-1", "whole"],
  ["bytes=0-1e3", "whole"],
  ["bytes=99999999999999999999-", "whole"],
  ["", "whole"],
])("%j gives %s", (field, expected) => {
  expect(range(field)).toBe(expected);
});

test.each([
  ['"a"', "bytes 0-1/10"],
  ['W/"a"', "whole"],
  ['"old"', "whole"],
  [MODIFIED, "bytes 0-1/10"],
  ["Mon, 07 Nov 1994 08:49:37 GMT", "whole"],
  ["rubbish", "whole"],
])("If-Range %j gives %s", (ifRange, expected) => {
  expect(range("bytes=0-1", { "if-range": ifRange })).toBe(expected);
});

test("HEAD and an empty body give no part", () => {
  expect(evaluateRange("HEAD", { range: "bytes=0-1" }, body).kind).toBe("whole");
  expect(evaluateRange("GET", { range: "bytes=0-" }, { bytes: 0 }).kind).toBe("unsatisfiable");
});

test("a part always lies within the body, and nothing throws", () => {
  const near = fc
    .array(fc.constantFrom("bytes=", "-", "0", "7", "12", ",", " "))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), fc.nat(20), (field, bytes) => {
      const outcome = evaluateRange("GET", { range: field, "if-range": undefined }, { bytes });
      if (outcome.kind !== "part") return;
      expect(outcome.start).toBeGreaterThanOrEqual(0);
      expect(outcome.end).toBeGreaterThanOrEqual(outcome.start);
      expect(outcome.end).toBeLessThan(bytes);
    }),
    { numRuns: 3000 },
  );
});
