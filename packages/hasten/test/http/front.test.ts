// Front mode: what is answered before Express, what never is, and what hits report.
import { cached, compression, invalidates, requestTiming, type TimedRequest } from "hasten/express";
import { expect, test } from "vitest";
import { channels } from "../../src/core/channels.ts";
import { manualClock } from "../../src/core/clock.ts";
import { startApp, until } from "./app.ts";

const FRONT = { front: true };

test("a public route is answered in front of the application, with the application's headers", async () => {
  let passed = 0;
  await using it = await startApp((app, responses) => {
    app.use((_req, res, next) => {
      passed += 1;
      res.set({ "X-Frame-Options": "DENY", "X-Request-Id": String(passed) });
      next();
    });
    app.get("/p", cached(responses, { public: true }), (_req, res) => void res.json({ ok: true }));
  }, FRONT);
  const miss = await it.get("/p");
  const hit = await it.get("/p", { authorization: "someone", cookie: "a=b" });
  expect(passed).toBe(1);
  expect([miss.headers["x-cache"], hit.headers["x-cache"]]).toEqual(["MISS", "HIT"]);
  expect(hit.text).toBe(miss.text);
  expect(hit.headers["x-frame-options"]).toBe("DENY");
  expect(hit.headers["x-request-id"]).toBeUndefined();
  expect(it.responses.stats().frontHits).toBe(1);
});

test("routes that are not public, other methods and odd requests reach the application", async () => {
  let passed = 0;
  await using it = await startApp((app, responses) => {
    app.use((_req, _res, next) => {
      passed += 1;
      next();
    });
    app.get("/shared", cached(responses, { shared: true }), (_req, res) => void res.json({}));
    app.get("/p", cached(responses, { public: true }), (_req, res) => void res.json({}));
    app.post("/p", (_req, res) => void res.json({ posted: true }));
  }, FRONT);
  for (let times = 0; times < 2; times++) await it.get("/shared");
  await it.get("/p");
  await it.ask("/p", { method: "POST" });
  await it.get("/p", { "x-http-method-override": "DELETE" });
  expect(passed).toBe(5);
  expect(it.responses.stats().frontHits).toBe(0);
});

test("a field of other middleware that differs between fills makes the route inline-only, with a warning", async () => {
  let passed = 0;
  await using it = await startApp((app, responses) => {
    app.use((_req, res, next) => {
      passed += 1;
      res.set("X-Experiment", String(passed));
      next();
    });
    app.get("/:id", cached(responses, { public: true }), (_req, res) => void res.json({}));
  }, FRONT);
  await it.get("/1");
  await it.get("/2");
  const inline = await it.get("/2");
  expect([inline.headers["x-cache"], inline.headers["x-experiment"]]).toEqual(["HIT", "3"]);
  const { kind, detail } = it.notices[0]!;
  expect([kind, detail]).toEqual([
    "inline-only",
    "middleware sets fields that differ between requests: x-experiment",
  ]);
  expect(passed).toBe(3);
});

test("an application that answers single origins is never answered in front of", async () => {
  await using it = await startApp((app, responses) => {
    app.use((req, res, next) => {
      res.set({ Vary: "Origin", "Access-Control-Allow-Origin": req.headers.origin ?? "null" });
      next();
    });
    app.get("/p", cached(responses, { public: true }), (_req, res) => void res.json({}));
  }, FRONT);
  await it.get("/p", { origin: "https://a.example" });
  const answer = await it.get("/p", { origin: "https://b.example" });
  expect(answer.headers["access-control-allow-origin"]).toBe("https://b.example");
  expect(it.responses.stats().frontHits).toBe(0);
});

test("admit decides, synchronously, who is answered in front", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/p", cached(responses, { public: true }), (_req, res) => void res.json({}));
  });
  const { createServer } = await import("node:http");
  const listener = it.responses.front(it.app, {
    admit: (req) => req.headers["x-limited"] === undefined,
  });
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const ask = (headers: Record<string, string>): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/p`, { headers: { connection: "close", ...headers } });
  await (await ask({})).text();
  await (await ask({ "x-limited": "1" })).text();
  expect(it.responses.stats().frontHits).toBe(0);
  await (await ask({})).text();
  expect(it.responses.stats().frontHits).toBe(1);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a write invalidates what is answered in front", async () => {
  let value = 1;
  await using it = await startApp((app, responses) => {
    app.get(
      "/p",
      cached(responses, { public: true, tags: ["p"] }),
      (_req, res) => void res.json({ value }),
    );
    app.put(
      "/w",
      invalidates(responses, () => ({ tags: ["p"] })),
      (_req, res) => {
        value = 2;
        res.status(204).end();
      },
    );
  }, FRONT);
  await it.get("/p");
  await it.get("/p");
  await it.ask("/w", { method: "PUT" });
  expect((await it.get("/p")).text).toBe('{"value":2}');
});

test("front mode negotiates, answers conditions, HEAD and ranges like inline mode", async () => {
  const body = "hello world ".repeat(200);
  await using it = await startApp((app, responses) => {
    app.use(compression());
    app.disable("etag");
    app.get(
      "/p",
      cached(responses, { public: true }),
      (_req, res) => void res.type("txt").send(body),
    );
  }, FRONT);
  await it.get("/p", { "accept-encoding": "gzip" });
  const gzip = await it.get("/p", { "accept-encoding": "gzip" });
  const br = await it.get("/p", { "accept-encoding": "br" });
  expect([gzip.text, br.text]).toEqual([body, body]);
  expect([gzip.headers["content-encoding"], br.headers["content-encoding"]]).toEqual([
    "gzip",
    "br",
  ]);
  expect(gzip.headers.vary).toMatch(/accept-encoding/i);
  const condition = { "accept-encoding": "gzip", "if-none-match": gzip.headers.etag! };
  expect((await it.get("/p", condition)).status).toBe(304);
  const head = await it.ask("/p", { method: "HEAD", headers: { "accept-encoding": "gzip" } });
  expect(head.headers["content-length"]).toBe(String(gzip.raw.length));
  expect((await it.get("/p", { range: "bytes=0-4" })).text).toBe("hello");
  expect(it.responses.stats().frontHits).toBe(5);
});

test("a query outside the allow-list is dropped from key and handler, in front as well", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get("/p", cached(responses, { public: true, query: ["page"] }), (req, res) => {
      runs += 1;
      res.json(req.query);
    });
  }, FRONT);
  for (const url of ["/p?utm=1&page=2", "/p?utm=1&page=2", "/p?page=2", "/p?page=2&utm=2"]) {
    expect((await it.get(url)).text).toBe('{"page":"2"}');
  }
  expect(runs).toBe(1);
  expect(it.responses.stats().frontHits).toBeGreaterThanOrEqual(2);
});

test("a stale answer in front is refreshed through the whole application", async () => {
  const clock = manualClock();
  let runs = 0;
  let passed = 0;
  await using it = await startApp(
    (app, responses) => {
      app.use((_req, _res, next) => {
        passed += 1;
        next();
      });
      const options = { public: true, ttlMs: 1_000, staleWhileRevalidateMs: 10_000 };
      app.get("/p", cached(responses, options), (_req, res) => void res.json({ runs: ++runs }));
    },
    { ...FRONT, clock },
  );
  await it.get("/p");
  await clock.advance(2_000);
  const stale = await it.get("/p");
  expect([stale.text, stale.headers["x-cache"]]).toEqual(['{"runs":1}', "STALE"]);
  await until(() => it.responses.stats().stored === 2);
  expect(passed).toBe(2);
  expect((await it.get("/p")).text).toBe('{"runs":2}');
  expect(it.responses.stats().refreshing).toBe(0);
});

test("front hits report to the request channel when somebody listens", async () => {
  const seen: TimedRequest[] = [];
  const listen = (message: unknown): void => void seen.push(message as TimedRequest);
  const timing = requestTiming();
  await using it = await startApp((app, responses) => {
    app.use(timing);
    app.get("/p", cached(responses, { public: true }), (_req, res) => void res.json({}));
  }, FRONT);
  channels.httpRequest.subscribe(listen);
  await it.get("/p");
  await it.get("/p");
  await until(() => seen.length === 2);
  channels.httpRequest.unsubscribe(listen);
  timing.close();
  expect(seen.map((one) => [one.route, one.status, one.cacheHits])).toEqual([
    ["/p", 200, 0],
    ["front", 200, 1],
  ]);
});
