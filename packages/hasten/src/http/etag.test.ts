import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluatePreconditions, notModifiedFields } from "./conditional.ts";
import {
  ETAG_FIELD_LENGTH_MAX,
  etagForCoding,
  ifMatchMatches,
  ifNoneMatchMatches,
  parseEtagList,
  strongEtag,
  weakEtag,
} from "./etag.ts";

test("codings of one body have tags of their own; a weak tag stays", () => {
  const etag = strongEtag(Buffer.from("hello"));
  expect(etag).toMatch(/^"[\w-]{27}"$/);
  expect(etagForCoding('"h"', "br")).toBe('"h-br"');
  expect(etagForCoding('"h"', "identity")).toBe('"h"');
  expect(etagForCoding('W/"h"', "br")).toBe('W/"h"');
  expect(weakEtag(weakEtag('"h"'))).toBe('W/"h"');
});

// @fastify/etag 6.2 answered 200 to a list and to `*`.
test.each(['"a"', 'W/"a"', '"x", "a"', '"x","a"', ' "x" , W/"a" ', "*", ', "a",', '"x,y", "a"'])(
  "If-None-Match %j matches the tag a",
  (field) => {
    expect(ifNoneMatchMatches(field, '"a"')).toBe(true);
    expect(ifNoneMatchMatches(field, 'W/"a"')).toBe(true);
  },
);

test.each([
  "",
  "a",
  '"a',
  'w/"a"',
  '"b"',
  '"a-br"',
  '"a" "b"',
  '"x" "a"',
  '"a", b',
  '"x,"a"',
  "*, *",
])("If-None-Match %j does not match the tag a", (field) => {
  expect(ifNoneMatchMatches(field, '"a"')).toBe(false);
});

test("a tag of one coding does not match that of another", () => {
  expect(ifNoneMatchMatches('"h-br"', '"h-gzip"')).toBe(false);
  expect(ifNoneMatchMatches('"h-br"', '"h"')).toBe(false);
});

test("If-Match compares strongly", () => {
  expect(ifMatchMatches('"a", "b"', '"b"')).toBe(true);
  expect(ifMatchMatches('W/"b"', 'W/"b"')).toBe(false);
  expect(ifMatchMatches("*", undefined)).toBe(true);
});

test("an overlong list is malformed", () => {
  expect(parseEtagList(`"${"a".repeat(ETAG_FIELD_LENGTH_MAX)}"`).kind).toBe("malformed");
});

test("no list throws", () => {
  const near = fc.array(fc.constantFrom('"', "W/", "a", ",", " ", "*")).map((p) => p.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), near), (text) => {
      parseEtagList(text);
      evaluatePreconditions(
        "GET",
        { "if-none-match": text, "if-match": text, "if-modified-since": text },
        { etag: '"a"' },
      );
    }),
    { numRuns: 2000 },
  );
});

const MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER = "Mon, 07 Nov 1994 08:49:37 GMT";
const EARLIER = "Sat, 05 Nov 1994 08:49:37 GMT";
const validators = { etag: '"a"', lastModified: MODIFIED };

test.each([
  ["GET", {}, "proceed"],
  ["GET", { "if-none-match": '"a"' }, "not-modified"],
  ["HEAD", { "if-none-match": '"a"' }, "not-modified"],
  ["PUT", { "if-none-match": "*" }, "failed"],
  ["GET", { "if-none-match": '"b"', "if-modified-since": LATER }, "proceed"],
  ["GET", { "if-none-match": '"a"', "if-modified-since": EARLIER }, "not-modified"],
  ["GET", { "if-modified-since": MODIFIED }, "not-modified"],
  ["GET", { "if-modified-since": EARLIER }, "proceed"],
  ["GET", { "if-modified-since": "yesterday" }, "proceed"],
  ["POST", { "if-modified-since": LATER }, "proceed"],
  ["PUT", { "if-match": '"b"' }, "failed"],
  ["PUT", { "if-match": '"a"', "if-unmodified-since": EARLIER }, "proceed"],
  ["PUT", { "if-unmodified-since": EARLIER }, "failed"],
  ["PUT", { "if-unmodified-since": "x" }, "proceed"],
] as const)("%s with %j is %s", (method, fields, expected) => {
  expect(evaluatePreconditions(method, fields, validators)).toBe(expected);
});

test("a 304 keeps what §15.4.5 asks for and CORS, and drops what describes the body", () => {
  const flat = ["ETag", '"a"', "Vary", "x", "Content-Type", "t", "Content-Length", "3"];
  flat.push("Last-Modified", MODIFIED, "Access-Control-Allow-Origin", "*", "Cache-Control", "c");
  expect(notModifiedFields(flat)).toEqual(
    ["ETag", '"a"', "Vary", "x"].concat(["Access-Control-Allow-Origin", "*", "Cache-Control", "c"]),
  );
});
