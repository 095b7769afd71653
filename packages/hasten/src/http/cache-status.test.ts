import fc from "fast-check";
import { expect, test } from "vitest";
import { appendCacheStatus, formatCacheStatus } from "./cache-status.ts";
import { isCompressible, isEventStream } from "./compressible.ts";
import { connectionNominated, isHopByHop } from "./hop-by-hop.ts";
import { formatLinks, linkTarget } from "./link.ts";
import { parseDictionary } from "./structured-field.ts";

test("Cache-Status says what happened, in the RFC's words", () => {
  expect(formatCacheStatus({ hit: true, ttlSeconds: 42 })).toBe("hasten; hit; ttl=42");
  expect(
    formatCacheStatus({ forward: "uri-miss", forwardStatus: 200, stored: true, collapsed: true }),
  ).toBe("hasten; fwd=uri-miss; fwd-status=200; stored; collapsed");
  expect(formatCacheStatus({ hit: true, ttlSeconds: -3, detail: "set-cookie" })).toBe(
    "hasten; hit; ttl=-3; detail=set-cookie",
  );
  expect(formatCacheStatus({ key: 'a"\r\n\\é', ttlSeconds: Number.NaN })).toBe(
    'hasten; key="a\\"??\\\\?"',
  );
  expect(formatCacheStatus({ hit: true, ttlSeconds: 1.5, forwardStatus: 1e15 })).toBe(
    "hasten; hit",
  );
  expect(appendCacheStatus("cdn; hit", "hasten; hit")).toBe("cdn; hit, hasten; hit");
});

test("any strings give a field that parses", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (key, detail) => {
      const field = formatCacheStatus({ forward: "miss", key, detail });
      expect(parseDictionary(field)?.size).toBe(1);
    }),
  );
});

test("connection fields and what Connection nominates are hop-by-hop", () => {
  const nominated = connectionNominated("close, X-Internal ,,");
  expect(isHopByHop("x-internal", nominated)).toBe(true);
  expect(isHopByHop("keep-alive")).toBe(true);
  expect(isHopByHop("etag", nominated)).toBe(false);
  expect(connectionNominated(undefined).size).toBe(0);
  expect(connectionNominated("x,".repeat(9999)).size).toBe(0);
});

test.each([
  ["application/json; charset=utf-8", true],
  ["Text/HTML", true],
  ["application/problem+json", true],
  ["image/svg+xml", true],
  ["image/png", false],
  ["application/zip", false],
  ["application/octet-stream", false],
  ["text/event-stream", false],
  [undefined, false],
  ["", false],
])("%j is compressible: %s", (type, expected) => {
  expect(isCompressible(type)).toBe(expected);
});

test("an event stream is known by its type", () => {
  expect(isEventStream("text/event-stream; charset=utf-8")).toBe(true);
});

test("a link replaces its own parameters and keeps the others as they were", () => {
  expect(linkTarget("/api/v1/metrics", "q=a%2Fb&page=2&tag=x&tag=y&%70age=3", { page: 4 })).toBe(
    "/api/v1/metrics?q=a%2Fb&tag=x&tag=y&page=4",
  );
  expect(linkTarget("/m", "cursor=x", { cursor: undefined })).toBe("/m");
  expect(formatLinks([{ href: "/m?page=2", rel: "next" }])).toBe('</m?page=2>; rel="next"');
  expect(formatLinks([])).toBeUndefined();
});

test.each(["//evil.example/x", "/\\evil.example/x", "\\\\evil.example/x", "///evil.example/x"])(
  "%j stays on this site",
  (path) => {
    expect(linkTarget(path, "", {})).toBe("/evil.example/x");
  },
);

test("no target can end its own brackets or the header line", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, text, (path, query, value) => {
      const field = formatLinks([{ href: linkTarget(path, query, { v: value }), rel: value }]);
      expect(field).toMatch(/^<\/(?!\/)[!-;=?-~]*>; rel="[ !#-[\]-~]*"$/);
    }),
    { numRuns: 2000 },
  );
});
