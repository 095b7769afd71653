// http.md §6, tests 1, 7 and 10: whose answer goes to whom, poisoning, and what is never stored.
import { createHash } from "node:crypto";
import type { Express, RequestHandler, Response } from "express";
import { cached, invalidates } from "hasten/express";
import { expect, test } from "vitest";
import { startApp } from "./app.ts";

const authenticate: RequestHandler = (req, _res, next) => {
  const token = req.headers.authorization;
  if (token !== undefined) Object.assign(req, { user: { id: token, role: token[0] } });
  next();
};

/** What middleware does per request, and what must therefore never be frozen. */
const perRequest: RequestHandler = (req, res, next) => {
  res.setHeader("X-Request-Id", createHash("sha1").update(String(Math.random())).digest("hex"));
  res.setHeader("Access-Control-Allow-Origin", req.headers.origin ?? "null");
  res.setHeader("RateLimit-Remaining", String(Math.random()));
  next();
};

function counting(): { handler: RequestHandler; readonly runs: number } {
  let runs = 0;
  return {
    handler: (_req, res) => {
      runs += 1;
      res.json({ runs });
    },
    get runs() {
      return runs;
    },
  };
}

test("a route without scope caches nothing for requests with credentials", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.use(authenticate);
    app.get("/me", cached(responses, { ttlMs: 60_000 }), (req, res) => {
      runs += 1;
      res.json({ who: req.headers.authorization ?? req.headers.cookie ?? "nobody", runs });
    });
  });
  const alice = await it.get("/me", { authorization: "alice" });
  const bob = await it.get("/me", { authorization: "bob" });
  const cookie = await it.get("/me", { cookie: "sid=1" });
  expect([alice, bob, cookie].map((one) => JSON.parse(one.text).who)).toEqual([
    "alice",
    "bob",
    "sid=1",
  ]);
  expect(runs).toBe(3);
  expect(it.responses.stats().stored).toBe(0);
  expect(alice.headers["x-cache"]).toBe("BYPASS");
  expect(alice.headers["cache-status"]).toContain("detail=authorization");
  await it.get("/me", { authorization: "carol" });
  const reported = it.notices.filter((notice) => notice.detail.includes("authorization"));
  expect(reported).toHaveLength(1);
});

test("an answer that depends on the caller is not stored even for callers without credentials", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/me", cached(responses, { ttlMs: 60_000 }), (req, res) => {
      res.json({ who: req.headers["x-api-key"] ?? "nobody" });
    });
  });
  await it.get("/me", { "x-api-key": "alice" });
  const bob = await it.get("/me", { "x-api-key": "bob" });
  expect(JSON.parse(bob.text)).toEqual({ who: "bob" });
  expect(bob.headers["cache-status"]).toBe("hasten; fwd=uri-miss; detail=unkeyed");
  expect(it.notices).toContainEqual({
    kind: "uncacheable",
    route: "GET /me",
    detail: "its handler reads x-api-key, which is not in its key",
  });
});

test("a shared route runs once and gives nobody another's cookies, identifiers or origin", async () => {
  const count = counting();
  await using it = await startApp((app, responses) => {
    app.use(perRequest);
    app.get("/list", cached(responses, { ttlMs: 60_000, shared: true }), count.handler);
  });
  const alice = await it.get("/list", { authorization: "alice", origin: "https://a.example" });
  const bob = await it.get("/list", { authorization: "bob", origin: "https://b.example" });
  expect(count.runs).toBe(1);
  expect(bob.text).toBe(alice.text);
  expect(bob.headers["x-cache"]).toBe("HIT");
  expect(bob.headers["access-control-allow-origin"]).toBe("https://b.example");
  expect(bob.headers["x-request-id"]).not.toBe(alice.headers["x-request-id"]);
  expect(bob.headers["ratelimit-remaining"]).not.toBe(alice.headers["ratelimit-remaining"]);
});

test("a scope keeps users and roles apart, and the key holds no credential", async () => {
  const byUser = counting();
  const byRole = counting();
  await using it = await startApp((app, responses) => {
    app.use(authenticate);
    app.get("/user", cached(responses, { scope: "user" }), byUser.handler);
    app.get("/role", cached(responses, { scope: "role" }), byRole.handler);
  });
  for (const token of ["viewer-1", "viewer-2", "editor-1", "viewer-1"]) {
    await it.get("/user", { authorization: token });
    await it.get("/role", { authorization: token });
  }
  expect(byUser.runs).toBe(3);
  expect(byRole.runs).toBe(2);
  const anonymous = await it.get("/user");
  expect(anonymous.headers["cache-status"]).toContain("detail=scope");
});

test("a role scope does not let the handler depend on who the user is", async () => {
  await using it = await startApp((app, responses) => {
    app.use(authenticate);
    app.get("/list", cached(responses, { scope: "role" }), (req, res) => {
      res.json({ for: (req as unknown as { user: { id: string } }).user.id });
    });
  });
  await it.get("/list", { authorization: "viewer-1" });
  const second = await it.get("/list", { authorization: "viewer-2" });
  expect(JSON.parse(second.text)).toEqual({ for: "viewer-2" });
  expect(it.notices[0]?.detail).toContain("user.id");
});

test("what the scope function reads may be read by the handler", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    const scope = (req: { headers: Record<string, unknown> }): string =>
      String(req.headers["x-tenant"]);
    app.get("/list", cached(responses, { scope }), (req, res) => {
      runs += 1;
      res.json({ tenant: req.headers["x-tenant"] });
    });
  });
  const first = await it.get("/list", { "x-tenant": "a" });
  const second = await it.get("/list", { "x-tenant": "b" });
  const third = await it.get("/list", { "x-tenant": "a" });
  expect([first, second, third].map((one) => JSON.parse(one.text).tenant)).toEqual(["a", "b", "a"]);
  expect(runs).toBe(2);
});

test("headers that could redirect the answer cannot poison it", async () => {
  await using it = await startApp((app, responses) => {
    app.set("trust proxy", true);
    app.get("/page", cached(responses), (req, res) => {
      res.json({ host: req.hostname, utm: req.query["utm_source"] ?? "" });
    });
    app.get("/plain", cached(responses, { query: ["page"] }), (req, res) => {
      res.json({ query: req.query });
    });
  });
  await it.get("/page", { "x-forwarded-host": "evil.example" });
  expect(JSON.parse((await it.get("/page")).text).host).toBe("127.0.0.1");
  const clean = await it.get("/plain?page=1");
  await it.get("/plain?page=2&utm_source=evil&__proto__=x");
  const later = await it.get("/plain?utm_source=evil&page=2");
  expect(JSON.parse(later.text)).toEqual({ query: { page: "2" } });
  expect(later.headers["x-cache"]).toBe("HIT");
  expect((await it.get("/plain?page=1")).text).toBe(clean.text);
});

test("method overrides, bodies and paths that only look alike never share an entry", async () => {
  const count = counting();
  await using it = await startApp((app, responses) => {
    app.get(/^\/me.*/, cached(responses), count.handler);
    app.post(/^\/me.*/, (_req, res) => void res.json({ posted: true }));
  });
  const baseline = await it.get("/me");
  for (const headers of [
    { "x-http-method-override": "POST" },
    { "x-http-method-override": "DELETE" },
    { "content-length": "2" },
  ]) {
    const answer = await it.ask(
      "/me",
      "content-length" in headers ? { headers, body: "{}" } : { headers },
    );
    expect(answer.headers["x-cache"]).toBe("BYPASS");
  }
  for (const path of [
    "/me/x.css",
    "/me;.js",
    "/me%2f..%2fstatic/a.css",
    "/me?",
    "/me?a=1&a=2",
    "/me?a=2&a=1",
    "/me?__proto__=1",
  ]) {
    expect((await it.get(path)).headers["x-cache"]).toBe("MISS");
  }
  expect((await it.get("/me", { "x-original-url": "/admin" })).text).toBe(baseline.text);
  expect((await it.ask("/me", { method: "POST" })).text).toBe('{"posted":true}');
  expect((await it.get("/me")).text).toBe(baseline.text);
});

const REFUSED: readonly [string, (res: Response) => void][] = [
  ["500", (res) => void res.status(500)],
  ["503", (res) => void res.status(503)],
  ["401", (res) => void res.status(401)],
  ["403", (res) => void res.status(403)],
  ["Set-Cookie", (res) => void res.cookie("sid", "alice")],
  ["private", (res) => void res.set("Cache-Control", "private")],
  ['private=""', (res) => void res.set("Cache-Control", 'private=""')],
  ['private="x", private', (res) => void res.set("Cache-Control", 'private="x", private')],
  ["no-store", (res) => void res.set("Cache-Control", "max-age=60, no-store")],
  ["no-cache", (res) => void res.set("Cache-Control", "no-cache")],
  ["max-age=1e9999", (res) => void res.set("Cache-Control", "max-age=1e9999")],
  ["an overlong field", (res) => void res.set("Cache-Control", `x="${"y".repeat(10_000)}"`)],
  ["Vary: *", (res) => void res.set("Vary", "*")],
  ["Vary: Cookie", (res) => void res.set("Vary", "Cookie")],
  ["Vary: User-Agent", (res) => void res.set("Vary", "User-Agent")],
  ["event streams", (res) => void res.type("text/event-stream")],
  [
    "a nonce",
    (res) => void res.type("html").set("Content-Security-Policy", "script-src 'nonce-a'"),
  ],
  ["one origin", (res) => void res.set("Access-Control-Allow-Origin", "https://a.example")],
];

test.each(REFUSED)("an answer with %s is never stored", async (_name, set) => {
  let runs = 0;
  await using it = await startApp((app: Express, responses) => {
    app.get("/x", cached(responses, { ttlMs: 60_000 }), (_req, res) => {
      runs += 1;
      set(res);
      res.send(`run ${runs}`);
    });
  });
  await it.get("/x");
  const second = await it.get("/x");
  expect(runs).toBe(2);
  expect(second.text).toBe("run 2");
  expect(second.headers["x-cache"]).toBe("MISS");
  expect(second.headers["cache-status"]).toMatch(/detail=/);
  expect(it.responses.stats().stored).toBe(0);
});

test("only successful writes invalidate, and they take the location they name", async () => {
  const count = counting();
  await using it = await startApp((app, responses) => {
    app.get("/items", cached(responses), count.handler);
    app.get("/items/:id", cached(responses), count.handler);
    app.post("/items", invalidates(responses), (req, res) => {
      const status = Number(req.query["status"]);
      res.location("/items/7").status(status).end();
    });
  });
  await it.get("/items");
  await it.get("/items/7");
  await it.get("/items/8");
  await it.ask("/items?status=422", { method: "POST" });
  expect((await it.get("/items")).headers["x-cache"]).toBe("HIT");
  await it.ask("/items?status=201", { method: "POST" });
  expect((await it.get("/items")).headers["x-cache"]).toBe("MISS");
  expect((await it.get("/items/7")).headers["x-cache"]).toBe("MISS");
  expect((await it.get("/items/8")).headers["x-cache"]).toBe("HIT");
});
