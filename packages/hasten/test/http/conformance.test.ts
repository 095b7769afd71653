// http.md §6, test 2: RFC 9111 as a shared cache, case by case, on Express with the memory store.
import type { OutgoingHttpHeaders } from "node:http";
import { cached, invalidates } from "hasten/express";
import { expect, test } from "vitest";
import { manualClock } from "../../src/core/clock.ts";
import { startApp } from "./app.ts";

const NOW = "Thu, 01 Jan 2026 00:00:00 GMT";
const IN_A_MINUTE = "Thu, 01 Jan 2026 00:01:00 GMT";
const A_MINUTE_AGO = "Wed, 31 Dec 2025 23:59:00 GMT";

interface Case {
  readonly name: string;
  readonly response?: OutgoingHttpHeaders;
  readonly status?: number;
  readonly first?: OutgoingHttpHeaders;
  readonly second?: OutgoingHttpHeaders;
  /** Time between the two requests. @default 1_000 */
  readonly waitMs?: number;
  /** The route's ttlMs, larger than what the cases say. @default 600_000 */
  readonly ttlMs?: number;
  readonly override?: boolean;
  readonly reused: boolean;
  readonly age?: string;
}

const CASES: readonly Case[] = [
  // Freshness (§4.2).
  {
    name: "max-age that has not passed",
    response: { "cache-control": "max-age=10" },
    reused: true,
    age: "1",
  },
  {
    name: "max-age that has passed",
    response: { "cache-control": "max-age=10" },
    waitMs: 10_000,
    reused: false,
  },
  {
    name: "s-maxage over max-age",
    response: { "cache-control": "max-age=1, s-maxage=10" },
    waitMs: 5_000,
    reused: true,
  },
  {
    name: "s-maxage below max-age",
    response: { "cache-control": "max-age=10, s-maxage=1" },
    waitMs: 5_000,
    reused: false,
  },
  { name: "s-maxage=0", response: { "cache-control": "max-age=10, s-maxage=0" }, reused: false },
  { name: "max-age=0", response: { "cache-control": "max-age=0" }, reused: false },
  { name: "a negative max-age", response: { "cache-control": "max-age=-5" }, reused: false },
  {
    name: "a max-age with a fraction",
    response: { "cache-control": "max-age=1.5" },
    reused: false,
  },
  { name: "a quoted max-age", response: { "cache-control": 'max-age="10"' }, reused: true },
  {
    name: "two different max-age",
    response: { "cache-control": "max-age=10, max-age=20" },
    reused: false,
  },
  {
    name: "a huge max-age",
    response: { "cache-control": `max-age=${"9".repeat(15)}` },
    reused: true,
  },
  { name: "directives in capitals", response: { "cache-control": "MAX-AGE=10" }, reused: true },
  {
    name: "max-age within another's quoted string",
    response: { "cache-control": 'x="max-age=0", max-age=10' },
    reused: true,
  },
  {
    name: "Expires in the future",
    response: { expires: IN_A_MINUTE, date: NOW },
    waitMs: 30_000,
    reused: true,
  },
  {
    name: "Expires that has passed",
    response: { expires: IN_A_MINUTE, date: NOW },
    waitMs: 61_000,
    reused: false,
  },
  { name: "Expires in the past", response: { expires: A_MINUTE_AGO }, reused: false },
  { name: "Expires: 0", response: { expires: "0" }, reused: false },
  {
    name: "an Expires that is no HTTP date",
    response: { expires: "2026-01-01T00:01:00Z" },
    reused: false,
  },
  {
    name: "max-age over Expires",
    response: { "cache-control": "max-age=100", expires: A_MINUTE_AGO },
    reused: true,
  },
  {
    name: "the route's TTL shorter than max-age",
    response: { "cache-control": "max-age=100" },
    ttlMs: 5_000,
    waitMs: 6_000,
    reused: false,
  },
  {
    name: "the route's TTL longer than max-age",
    response: { "cache-control": "max-age=5" },
    ttlMs: 100_000,
    waitMs: 6_000,
    reused: false,
  },
  {
    name: "the route's TTL with override",
    response: { "cache-control": "max-age=5" },
    ttlMs: 100_000,
    override: true,
    waitMs: 6_000,
    reused: true,
  },
  { name: "no freshness of its own", waitMs: 599_000, reused: true, age: "599" },
  // Age (§4.2.3, §5.1).
  {
    name: "an Age that it came with",
    response: { "cache-control": "max-age=10", age: "5" },
    waitMs: 2_000,
    reused: true,
    age: "7",
  },
  {
    name: "an Age that uses up max-age",
    response: { "cache-control": "max-age=10", age: "9" },
    waitMs: 2_000,
    reused: false,
  },
  {
    name: "an Age above max-age",
    response: { "cache-control": "max-age=10", age: "12" },
    reused: false,
  },
  {
    name: "an Age that is no number",
    response: { "cache-control": "max-age=10", age: "x" },
    reused: true,
    age: "1",
  },
  {
    name: "a Date in the past",
    response: { "cache-control": "max-age=100", date: A_MINUTE_AGO },
    reused: true,
    age: "61",
  },
  {
    name: "a Date further back than max-age",
    response: { "cache-control": "max-age=30", date: A_MINUTE_AGO },
    reused: false,
  },
  // Storing (§3).
  { name: "no-store", response: { "cache-control": "no-store, max-age=10" }, reused: false },
  {
    name: "no-store in a malformed field",
    response: { "cache-control": 'max-age=10, x="no-store' },
    reused: false,
  },
  { name: "private", response: { "cache-control": "private, max-age=10" }, reused: false },
  { name: "no-cache", response: { "cache-control": "no-cache, max-age=10" }, reused: false },
  {
    name: "an unknown directive",
    response: { "cache-control": "max-age=10, x-unknown=1" },
    reused: true,
  },
  {
    name: "must-understand with a status we know",
    response: { "cache-control": "no-store, must-understand, max-age=10" },
    reused: true,
  },
  { name: "status 203", status: 203, response: { "cache-control": "max-age=10" }, reused: true },
  { name: "status 204", status: 204, response: { "cache-control": "max-age=10" }, reused: true },
  { name: "status 301", status: 301, response: { location: "/y" }, reused: true },
  { name: "status 404, for a short while", status: 404, waitMs: 5_000, reused: true },
  { name: "status 404, no longer", status: 404, waitMs: 10_001, reused: false },
  {
    name: "status 302 without explicit freshness",
    status: 302,
    response: { location: "/y" },
    reused: false,
  },
  {
    name: "status 302 with max-age",
    status: 302,
    response: { location: "/y", "cache-control": "max-age=10" },
    reused: true,
  },
  {
    name: "status 500 with max-age",
    status: 500,
    response: { "cache-control": "max-age=10" },
    reused: false,
  },
  {
    name: "status 599 with max-age",
    status: 599,
    response: { "cache-control": "max-age=10" },
    reused: false,
  },
  {
    name: "status 206",
    status: 206,
    response: { "content-range": "bytes 0-1/5", "cache-control": "max-age=10" },
    reused: false,
  },
  // CDN-Cache-Control (RFC 9213).
  {
    name: "CDN-Cache-Control over Cache-Control",
    response: { "cache-control": "no-store", "cdn-cache-control": "max-age=10" },
    reused: true,
  },
  {
    name: "CDN-Cache-Control: no-store",
    response: { "cache-control": "max-age=10", "cdn-cache-control": "no-store" },
    reused: false,
  },
  {
    name: "a malformed CDN-Cache-Control",
    response: { "cache-control": "max-age=10", "cdn-cache-control": "max-age=???" },
    reused: true,
  },
  // Vary (§4.1).
  {
    name: "Vary on a field that is equal",
    response: { vary: "X-A" },
    first: { "x-a": "1" },
    second: { "x-a": "1" },
    reused: true,
  },
  {
    name: "Vary on a field that differs",
    response: { vary: "X-A" },
    first: { "x-a": "1" },
    second: { "x-a": "2" },
    reused: false,
  },
  {
    name: "Vary on a field that is gone",
    response: { vary: "X-A" },
    first: { "x-a": "1" },
    reused: false,
  },
  {
    name: "Vary on a field that is new",
    response: { vary: "X-A" },
    second: { "x-a": "1" },
    reused: false,
  },
  { name: "Vary on a field absent in both", response: { vary: "X-A" }, reused: true },
  {
    name: "Vary on an empty field and an absent one",
    response: { vary: "X-A" },
    first: { "x-a": "" },
    reused: false,
  },
  {
    name: "Vary whatever the white space",
    response: { vary: "Accept-Language" },
    first: { "accept-language": "en, de" },
    second: { "accept-language": "en,de" },
    reused: true,
  },
  {
    name: "Vary on two fields of which one differs",
    response: { vary: "X-A, X-B" },
    first: { "x-a": "1", "x-b": "1" },
    second: { "x-a": "1", "x-b": "2" },
    reused: false,
  },
  { name: "Vary: *", response: { vary: "*" }, reused: false },
  { name: "Vary: * among others", response: { vary: "X-A, *" }, reused: false },
  // Requests: what a client asks does not decide for others (http.md hazard 10).
  { name: "a client's no-store", first: { "cache-control": "no-store" }, reused: true },
  { name: "a client's no-cache", second: { "cache-control": "no-cache" }, reused: true },
];

test.each(CASES.map((one) => [one.name, one] as const))("RFC 9111: %s", async (_name, one) => {
  const clock = manualClock();
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      const { ttlMs = 600_000, override = false } = one;
      app.get("/x", cached(responses, { ttlMs, override }), (_req, res) => {
        runs += 1;
        res.writeHead(one.status ?? 200, { "content-type": "text/plain", ...one.response });
        res.end(one.status === 204 ? undefined : `run ${runs}`);
      });
    },
    { clock },
  );
  const first = await it.get("/x", one.first);
  await clock.advance(one.waitMs ?? 1_000);
  const second = await it.get("/x", one.second);
  expect(runs).toBe(one.reused ? 1 : 2);
  expect(second.status).toBe(first.status);
  if (one.reused) {
    expect(second.text).toBe(first.text);
    expect(second.headers["x-cache"]).toBe("HIT");
  }
  if (one.age !== undefined) expect(second.headers.age).toBe(one.age);
});

test("both of two variants stay, and each request gets its own", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/x", cached(responses), (req, res) => {
      res.vary("Accept-Language").send(`in ${req.headers["accept-language"]}`);
    });
  });
  for (const expected of ["MISS", "HIT"]) {
    for (const language of ["en", "de"]) {
      const answer = await it.get("/x", { "accept-language": language });
      expect([answer.text, answer.headers["x-cache"]]).toEqual([`in ${language}`, expected]);
    }
  }
});

test("fields of the connection, and those it nominates, are not stored", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/x", cached(responses), (_req, res) => {
      res.set({ Connection: "close, X-Hop", "X-Hop": "1", "X-End": "2" }).send("x");
    });
  });
  await it.get("/x");
  const hit = await it.get("/x");
  expect([hit.headers["x-cache"], hit.headers["x-hop"], hit.headers["x-end"]]).toEqual([
    "HIT",
    undefined,
    "2",
  ]);
});

test("private= and no-cache= with names keep only the fields they name", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/x", cached(responses), (_req, res) => {
      res
        .set({ "Cache-Control": 'max-age=10, private="x-own"', "X-Own": "1", "X-All": "2" })
        .send("x");
    });
  });
  await it.get("/x");
  const hit = await it.get("/x");
  expect([hit.headers["x-cache"], hit.headers["x-own"], hit.headers["x-all"]]).toEqual([
    "HIT",
    undefined,
    "2",
  ]);
});

const WRITES: readonly (readonly [string, number, boolean])[] = [
  ["POST", 200, true],
  ["PUT", 204, true],
  ["PATCH", 200, true],
  ["DELETE", 204, true],
  ["POST", 303, true],
  ["POST", 400, false],
  ["PUT", 500, false],
];

test.each(WRITES)(
  "%s that answers %i invalidates its target: %s (§4.4)",
  async (method, status, dropped) => {
    let runs = 0;
    await using it = await startApp((app, responses) => {
      app.get("/x", cached(responses), (_req, res) => void res.json({ runs: ++runs }));
      app.all("/x", invalidates(responses), (_req, res) => void res.status(status).end());
    });
    await it.get("/x");
    await it.get("/x?a=1");
    await it.ask("/x", { method });
    await it.get("/x");
    await it.get("/x?a=1");
    expect(runs).toBe(dropped ? 4 : 2);
  },
);

test("a write names other places only within its own origin", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get(["/own", "/other"], cached(responses), (_req, res) => void res.json({ runs: ++runs }));
    app.post("/w", invalidates(responses), (_req, res) => {
      res.set({ Location: "/own", "Content-Location": "http://elsewhere.example/other" });
      res.status(201).end();
    });
  });
  await it.get("/own");
  await it.get("/other");
  await it.ask("/w", { method: "POST" });
  expect((await it.get("/own")).headers["x-cache"]).toBe("MISS");
  expect((await it.get("/other")).headers["x-cache"]).toBe("HIT");
});

test("stale-while-revalidate and stale-if-error of the response count (RFC 5861)", async () => {
  const clock = manualClock();
  let runs = 0;
  let failing = false;
  await using it = await startApp(
    (app, responses) => {
      app.get("/x", cached(responses), (_req, res) => {
        runs += 1;
        if (failing) return void res.status(503).end();
        res
          .set("Cache-Control", "max-age=1, stale-while-revalidate=5, stale-if-error=30")
          .send("x");
      });
    },
    { clock },
  );
  await it.get("/x");
  failing = true;
  await clock.advance(3_000);
  expect((await it.get("/x")).headers["x-cache"]).toBe("STALE");
  await clock.advance(20_000);
  const instead = await it.get("/x");
  expect([instead.status, instead.headers["x-cache"]]).toEqual([200, "STALE"]);
  await clock.advance(20_000);
  expect((await it.get("/x")).status).toBe(503);
  expect(runs).toBe(4);
});

test("Date stays what it was, and Age says how long ago that is", async () => {
  const clock = manualClock();
  await using it = await startApp(
    (app, responses) => {
      app.get("/x", cached(responses), (_req, res) => void res.send("x"));
    },
    { clock },
  );
  await it.get("/x");
  await clock.advance(61_000);
  const { headers } = await it.get("/x");
  expect([headers.date, headers.age]).toEqual([NOW, "61"]);
});
