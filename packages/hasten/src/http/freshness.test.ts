import fc from "fast-check";
import { expect, test } from "vitest";
import type { FieldRecord } from "./field-record.ts";
import {
  currentAgeSeconds,
  type Freshness,
  type FreshnessPolicy,
  type Refusal,
  storability,
  usability,
} from "./freshness.ts";
import { formatHttpDate } from "./http-date.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const http = (offsetMs: number): string => formatHttpDate(NOW_MS + offsetMs);

interface Case {
  readonly response?: FieldRecord;
  readonly request?: FieldRecord;
  readonly status?: number;
  readonly method?: string;
  readonly policy?: FreshnessPolicy;
}

const decide = (c: Case): ReturnType<typeof storability> =>
  storability(
    {
      method: c.method ?? "GET",
      requestFields: c.request ?? {},
      status: c.status ?? 200,
      responseFields: c.response ?? {},
      nowMs: NOW_MS,
    },
    c.policy,
  );
const stored = (c: Case): Freshness => {
  const outcome = decide(c);
  if (outcome.kind === "refuse") throw new Error(outcome.because);
  return outcome.freshness;
};
const freshFor = (response: FieldRecord, policy?: FreshnessPolicy): number =>
  stored({ response, ...(policy && { policy }) }).freshForMs;

test("s-maxage comes before max-age, which comes before Expires", () => {
  const expires = http(10_000);
  expect(freshFor({ "cache-control": "max-age=60, s-maxage=30", expires })).toBe(30_000);
  expect(freshFor({ "cache-control": "max-age=60", expires })).toBe(60_000);
  expect(freshFor({ expires })).toBe(10_000);
});

test("Expires counts from Date, and the apparent age counts against it", () => {
  expect(freshFor({ expires: http(10_000), date: http(-4_000) })).toBe(10_000);
  expect(freshFor({ expires: http(10_000), date: http(4_000) })).toBe(6_000);
});

test("an Expires that is no HTTP-date is in the past", () => {
  for (const expires of ["0", "-1", "tomorrow", http(9_000).replace("GMT", "UTC")]) {
    expect(freshFor({ expires })).toBe(0);
  }
});

test("Age and a Date in the past are age already spent", () => {
  expect(freshFor({ "cache-control": "max-age=60", age: "20" })).toBe(40_000);
  expect(freshFor({ "cache-control": "max-age=60", age: "20, 50" })).toBe(40_000);
  expect(freshFor({ "cache-control": "max-age=60", age: "-5" })).toBe(60_000);
  expect(freshFor({ "cache-control": "max-age=60", age: "abc" })).toBe(60_000);
  expect(freshFor({ "cache-control": "max-age=60", date: http(-30_000) })).toBe(30_000);
  const freshness = stored({ response: { "cache-control": "max-age=60", age: "20" } });
  expect(currentAgeSeconds(freshness, 1_999)).toBe(21);
});

test("a route's TTL shortens what the response says and extends it only by override", () => {
  const response = { "cache-control": "max-age=60" };
  expect(freshFor(response, { ttlMs: 5_000 })).toBe(5_000);
  expect(freshFor(response, { ttlMs: 300_000 })).toBe(60_000);
  expect(freshFor(response, { ttlMs: 300_000, override: true })).toBe(300_000);
  expect(freshFor({}, { ttlMs: 300_000 })).toBe(300_000);
});

test("a targeted field replaces Cache-Control and Expires; a malformed one does not", () => {
  const response = { "cache-control": "no-store", "cdn-cache-control": "max-age=60" };
  expect(freshFor(response)).toBe(60_000);
  expect(decide({ response: { ...response, "cdn-cache-control": "max-age=" } })).toMatchObject({
    because: "no-store",
  });
  expect(decide({ response, policy: { targets: [] } })).toMatchObject({ because: "no-store" });
  const targeted = { "cdn-cache-control": "public", expires: http(60_000) };
  expect(decide({ response: targeted })).toMatchObject({ because: "no-freshness" });
});

const ttl: FreshnessPolicy = { ttlMs: 60_000 };
test.each<[Refusal, Case]>([
  ["method", { method: "POST" }],
  ["method", { method: "HEAD" }],
  ["range", { request: { range: "bytes=0-1" } }],
  ["range", { response: { "content-range": "bytes 0-1/9" } }],
  ["status", { status: 206 }],
  ["status", { status: 500 }],
  ["status", { status: 503, response: { "cache-control": "max-age=60" } }],
  ["status", { status: 401 }],
  ["status", { status: 403 }],
  ["status", { status: 302 }],
  ["status", { status: 304 }],
  ["status", { status: 599, response: { "cache-control": "must-understand, max-age=60" } }],
  ["request-no-store", { request: { "cache-control": "no-store" } }],
  ["no-store", { response: { "cache-control": "max-age=60, no-store" } }],
  ["no-store", { response: { "cache-control": "a".repeat(65_536) } }],
  ["private", { response: { "cache-control": "private" } }],
  ["private", { response: { "cache-control": 'private=""' } }],
  ["private", { response: { "cache-control": 'private="x", private' } }],
  ["authorization", { request: { authorization: "Bearer alice" } }],
  [
    "authorization",
    { request: { authorization: "x" }, response: { "cache-control": "max-age=60" } },
  ],
  ["set-cookie", { response: { "set-cookie": ["a=1"] } }],
  ["vary-any", { response: { vary: "origin, *" } }],
  ["trailer", { response: { trailer: "x" } }],
  ["event-stream", { response: { "content-type": "Text/Event-Stream; charset=utf-8" } }],
])("%s refuses %j", (because, given) => {
  expect(decide({ ...given, policy: ttl })).toEqual({ kind: "refuse", because });
});

test("without a TTL or explicit freshness nothing is stored", () => {
  expect(decide({})).toEqual({ kind: "refuse", because: "no-freshness" });
});

test.each(["public", "must-revalidate", "s-maxage=60"])(
  "%s or an identity in the key lets an authenticated response be stored",
  (directive) => {
    const request = { authorization: "Bearer alice" };
    expect(decide({ request, response: { "cache-control": directive }, policy: ttl }).kind).toBe(
      "store",
    );
    expect(decide({ request, policy: { ...ttl, identityInKey: true } }).kind).toBe("store");
  },
);

test("404 and 410 are stored for a short time only", () => {
  expect(stored({ status: 404, policy: ttl }).freshForMs).toBe(10_000);
  expect(stored({ status: 410, policy: { ...ttl, notFoundTtlMs: 1_000 } }).freshForMs).toBe(1_000);
});

test("a temporary redirect is stored with explicit freshness", () => {
  expect(stored({ status: 302, response: { "cache-control": "max-age=5" } }).freshForMs).toBe(5000);
});

test("max-age=1e9999 stores nothing fresh", () => {
  expect(stored({ response: { "cache-control": "max-age=1e9999" }, policy: ttl }).freshForMs).toBe(
    0,
  );
});

test("the windows follow one another: fresh, while revalidating, if error, unusable", () => {
  const policy = { ttlMs: 1_000, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 30_000 };
  const freshness = stored({ policy });
  expect(
    [0, 999, 1_000, 5_999, 6_000, 30_999, 31_000].map((at) => usability(freshness, at)),
  ).toEqual([
    "fresh",
    "fresh",
    "stale-while-revalidate",
    "stale-while-revalidate",
    "stale-if-error",
    "stale-if-error",
    "unusable",
  ]);
});

test.each(["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=1"])(
  "%s closes both stale windows",
  (directive) => {
    const policy = { ttlMs: 1_000, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 30_000 };
    const freshness = stored({ response: { "cache-control": directive }, policy });
    expect(usability(freshness, 1_000)).toBe("unusable");
  },
);

test("explicit stale directives set the windows, also beside s-maxage", () => {
  const response = {
    "cache-control": "s-maxage=1, stale-while-revalidate=2, stale-if-error=3",
  };
  expect(stored({ response })).toMatchObject({
    staleWhileRevalidateMs: 2_000,
    staleIfErrorMs: 3_000,
  });
});

test("beside s-maxage only the window that the response names is open", () => {
  const policy = { ttlMs: 1_000, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 30_000 };
  const response = { "cache-control": "s-maxage=1, stale-if-error=3" };
  expect(stored({ response, policy })).toMatchObject({
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 3_000,
    mustRevalidate: false,
  });
  expect(stored({ response, policy: { ...policy, override: true } })).toMatchObject({
    staleWhileRevalidateMs: 5_000,
  });
});

test("no-cache is stored but never fresh, and qualified forms only drop their fields", () => {
  expect(freshFor({ "cache-control": "no-cache, max-age=60" })).toBe(0);
  const response = { "cache-control": 'private="x-a", no-cache="x-b", max-age=60' };
  expect(stored({ response })).toMatchObject({ freshForMs: 60_000, droppedFields: ["x-a", "x-b"] });
});

test("must-understand lifts no-store for a status that is understood", () => {
  const response = { "cache-control": "must-understand, no-store, max-age=60" };
  expect(stored({ response }).freshForMs).toBe(60_000);
});

test("no exchange throws, and what is stored has finite, non-negative windows", () => {
  const names = ["cache-control", "cdn-cache-control", "expires", "date", "age", "vary"];
  const value = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.constantFrom("max-age=60", "public", 'private="x"', http(5_000), "10", "*", "s-maxage=5"),
  );
  const fields = fc.dictionary(fc.constantFrom(...names), fc.oneof(value, fc.array(value)));
  fc.assert(
    fc.property(fields, fields, fc.integer(), (response, request, status) => {
      const outcome = decide({ response, request, status: Math.abs(status % 600), policy: ttl });
      if (outcome.kind === "refuse") return;
      const { freshForMs, initialAgeMs, staleIfErrorMs } = outcome.freshness;
      for (const ms of [freshForMs, initialAgeMs, staleIfErrorMs]) {
        expect(Number.isFinite(ms) && ms >= 0).toBe(true);
      }
      expect(freshForMs).toBeLessThanOrEqual(60_000);
    }),
    { numRuns: 2000 },
  );
});
