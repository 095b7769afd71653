// http.md §6, test 13: many keys, many variants, and what is left when they are gone.
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import fc from "fast-check";
import { createCache } from "hasten/cache";
import { cached, createResponseCache } from "hasten/express";
import { expect, test } from "vitest";
import type { ExtendedRequest } from "../../src/http/response-cache/reads.ts";
import { createRequestKeys } from "../../src/http/response-cache/request-key.ts";
import { startApp } from "./app.ts";

test("100,000 keys against 100 entries and 1 MiB stay within both", async () => {
  await using cache = createCache({ memory: { entriesMax: 100, bytesMax: 1024 * 1024 } });
  const responses = createResponseCache({ cache });
  const route = responses.route({});
  // Without Express, whose own work on 100,000 requests takes longer than all that is proved here.
  for (let id = 0; id < 100_000; id++) {
    const req = requestFor(`/${id}`);
    const res = new ServerResponse(req);
    route.serve({ req, res, adapter: ALONE, next: () => void res.end(`${id} `.repeat(50)) });
    if (id % 500 === 0) await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  expect(responses.stats()).toMatchObject({ misses: 100_000, stored: 100_000, flights: 0 });
  const stats = cache.stats();
  expect(stats.entries).toBe(100);
  expect(stats.bytes).toBeLessThanOrEqual(1024 * 1024);
  await cache.clear();
  expect(cache.stats().entries).toBe(0);
}, 120_000);

test("10,000 variants of one key keep the newest 16 and one entry", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/v", cached(responses), (req, res) => {
      res.vary("X-Variant").json({ variant: req.headers["x-variant"] });
    });
  });
  for (let variant = 0; variant < 10_000; variant++) {
    run(it, "/v", { "x-variant": String(variant) });
    await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  for (const [variant, expected] of [
    ["9999", "HIT"],
    ["9985", "HIT"],
    ["9900", "MISS"],
  ] as const) {
    const answer = await it.get("/v", { "x-variant": variant });
    expect([JSON.parse(answer.text).variant, answer.headers["x-cache"]]).toEqual([
      variant,
      expected,
    ]);
  }
  expect(it.responses.cache.stats().entries).toBe(1);
});

test("no two different scopes, URLs or custom keys share an entry's key", () => {
  const keys = createRequestKeys("http");
  const part = fc.oneof(
    fc.constantFrom("a", ":", "-", "/", "k", " ", "%", "a:b", ""),
    fc.string({ maxLength: 6 }),
  );
  const tuple = fc.record({ scope: fc.option(part), custom: fc.option(part), url: part });
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(tuple, ({ scope, custom, url }) => {
      const policy = {
        ...(scope === null ? {} : { scope: () => scope }),
        ...(custom === null ? {} : { key: () => custom }),
      };
      const key = keys.of({} as ExtendedRequest, `/${url}`, policy, "GET /");
      const identity = JSON.stringify([scope, custom, custom === null ? `/${url}` : ""]);
      const before = seen.get(String(key));
      if (before !== undefined) expect(before).toBe(identity);
      seen.set(String(key), identity);
    }),
    { numRuns: 30_000 },
  );
});

type It = Awaited<ReturnType<typeof startApp>>;

/** Runs the application without a socket: a hundred thousand connections would test the kernel. */
function run(it: It, url: string, headers: Record<string, string> = {}): void {
  const req = requestFor(url, headers);
  it.app(req, new ServerResponse(req));
}

function requestFor(url: string, headers: Record<string, string> = {}): IncomingMessage {
  const req = new IncomingMessage(null as unknown as Socket);
  return Object.assign(req, {
    method: "GET",
    url,
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    headers,
  });
}

const ALONE = { name: () => "GET /", replay: () => undefined };
