// Two servers, each with a response cache of its own, on one Redis.
import type { Express, Request, Response } from "express";
import { type CachedOptions, cached, type ResponseCache } from "hasten/express";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { gate, later, startApp, type TestApp, type TestAppOptions } from "../../http/app.ts";

let redis: RedisServer;
const hosts: TestApp[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host[Symbol.asyncDispose]()));
  await redis.command("FLUSHALL");
});
afterAll(async () => {
  await redis.stop();
});

type Mount = (app: Express, responses: ResponseCache, host: string) => void;

async function host(mount: Mount, options: TestAppOptions = {}): Promise<TestApp> {
  const name = "ab"[hosts.length]!;
  const it = await startApp((app, responses) => mount(app, responses, name), {
    redis: redis.url,
    ...options,
  });
  hosts.push(it);
  expect(await it.cache.shared?.ready(2_000)).toBe(true);
  return it;
}

async function two(mount: Mount, options: TestAppOptions = {}): Promise<[TestApp, TestApp]> {
  return [await host(mount, options), await host(mount, options)];
}

type Answering = (req: Request, res: Response) => void;

/** One route, and how often each host ran its handler. */
async function route(
  policy: CachedOptions,
  answer: (host: string) => Answering,
  options: TestAppOptions = {},
): Promise<{ a: TestApp; b: TestApp; runs: string[] }> {
  const runs: string[] = [];
  const [a, b] = await two((app, responses, name) => {
    app.get("/r{/:id}", cached(responses, policy), (req, res) => {
      runs.push(name);
      answer(name)(req, res);
    });
  }, options);
  return { a, b, runs };
}

const stored = async (): Promise<string[]> => {
  const keys = (await redis.command("KEYS", "*e:*")) as unknown[];
  return keys.map(String);
};
const untilStored = (count = 1): Promise<void> =>
  expect.poll(async () => (await stored()).length, { timeout: 2_000, interval: 5 }).toBe(count);

const LONG = { rows: Array.from({ length: 200 }, (_, n) => ({ n, text: "some text" })) };

test("the second host answers without running its handler, in every way alike", async () => {
  const { a, b, runs } = await route({ shared: true, ttlMs: 60_000 }, (name) => (_req, res) => {
    res.set({ "X-Made-By": name, "Last-Modified": "Tue, 15 Nov 2022 12:45:26 GMT" }).json(LONG);
  });
  const first = await a.get("/r");
  await untilStored();
  const second = await b.get("/r");
  expect(first.headers["x-cache"]).toBe("MISS");
  expect(second.headers["x-cache"]).toBe("HIT");
  expect(second.headers["x-made-by"]).toBe("a");
  expect(second.headers["cache-status"]).toMatch(/^hasten; hit; ttl=(60|59)/);
  expect(second.raw).toEqual(first.raw);
  expect(runs).toEqual(["a"]);
  const etag = String(second.headers.etag);
  const asked = [
    [{}, "GET"],
    [{}, "HEAD"],
    [{ "if-none-match": etag }, "GET"],
    [{ "if-modified-since": "Wed, 16 Nov 2022 12:45:26 GMT" }, "GET"],
    [{ range: "bytes=5-9" }, "GET"],
    [{ range: "bytes=999999-" }, "GET"],
    [{ "accept-encoding": "gzip" }, "GET"],
    [{ "accept-encoding": "br" }, "GET"],
    [{ "accept-encoding": "zstd" }, "HEAD"],
  ] as const;
  for (const [headers, method] of asked) {
    const [one, other] = [
      await a.ask("/r", { headers, method }),
      await b.ask("/r", { headers, method }),
    ];
    expect(other.status).toBe(one.status);
    expect(other.raw).toEqual(one.raw);
    for (const name of ["etag", "content-length", "content-encoding", "vary", "date", "x-made-by"])
      expect(other.headers[name], name).toBe(one.headers[name]);
  }
  expect(runs).toEqual(["a"]);
});

test("the first asks of the second host may be HEAD, a range or a condition", async () => {
  for (const [headers, method, status] of [
    [{}, "HEAD", 200],
    [{ range: "bytes=0-3" }, "GET", 206],
  ] as const) {
    const { a, b, runs } = await route({ shared: true }, () => (_req, res) => void res.json(LONG));
    const { headers: made } = await a.get("/r");
    await untilStored();
    const answer = await b.ask("/r", { headers, method });
    expect([answer.status, answer.headers["x-cache"]]).toEqual([status, "HIT"]);
    expect((await b.get("/r", { "if-none-match": String(made.etag) })).status).toBe(304);
    expect(runs).toEqual(["a"]);
    await Promise.all(hosts.splice(0).map((it) => it[Symbol.asyncDispose]()));
    await redis.command("FLUSHALL");
  }
});

test("a hundred requests on each of two cold hosts run one handler", async () => {
  const go = gate();
  const { a, b, runs } = await route({ shared: true }, (name) => async (_req, res) => {
    await go.opened;
    res.json({ by: name });
  });
  const answers = Array.from({ length: 100 }, () => [a.get("/r"), b.get("/r")]).flat();
  await later(150);
  go.open();
  const texts = new Set((await Promise.all(answers)).map(({ text }) => text));
  expect(texts.size).toBe(1);
  expect(runs.length).toBe(1);
});

test("what is invalidated on one host is gone on the other", async () => {
  let version = 1;
  const policy = { shared: true, tags: ["things"] };
  const { a, b, runs } = await route(policy, () => (_req, res) => void res.json({ version }));
  await a.get("/r");
  await untilStored();
  expect((await b.get("/r")).text).toBe('{"version":1}');
  version = 2;
  expect(await b.cache.delete({ tags: ["things"] })).toEqual({ kind: "applied" });
  expect((await b.get("/r")).text).toBe('{"version":2}');
  await expect.poll(async () => (await a.get("/r")).text, { timeout: 600 }).toBe('{"version":2}');
  expect(runs).toEqual(["a", "b"]);
});

test("a fill that an invalidation on the other host overtakes is not kept anywhere", async () => {
  const go = gate();
  let version = 1;
  const { a, b, runs } = await route({ shared: true, tags: ["t"] }, () => async (_req, res) => {
    const read = version;
    if (runs.length === 1) await go.opened;
    res.json({ version: read });
  });
  const slow = a.get("/r");
  await expect.poll(() => runs.length).toBe(1);
  version = 2;
  await b.cache.delete({ tags: ["t"] });
  go.open();
  expect((await slow).text).toBe('{"version":1}');
  await later(50);
  expect((await b.get("/r")).text).toBe('{"version":2}');
  expect((await a.get("/r")).text).toBe('{"version":2}');
});

test("tenants never mix, and each shares with itself", async () => {
  const { a, b, runs } = await route(
    { scope: (req) => req.get("x-tenant") },
    (name) => (req, res) => void res.json({ tenant: req.get("x-tenant"), by: name }),
  );
  for (const tenant of ["one", "two"]) await a.get("/r", { "x-tenant": tenant });
  await untilStored(2);
  for (const tenant of ["one", "two"])
    expect(JSON.parse((await b.get("/r", { "x-tenant": tenant })).text)).toEqual({
      tenant,
      by: "a",
    });
  expect(JSON.parse((await b.get("/r", { "x-tenant": "three" })).text).by).toBe("b");
  expect((await b.get("/r")).headers["x-cache"]).toBe("BYPASS");
  expect(runs).toEqual(["a", "a", "b", "b"]);
  for (const key of await stored()) expect(key).not.toMatch(/one|two|three/);
});

test("variants of one URL are shared, each to those it is for", async () => {
  const { a, b, runs } = await route(
    { shared: true },
    (name) => (req, res) =>
      void res.vary("Accept-Language").json([name, req.get("accept-language")]),
  );
  await a.get("/r", { "accept-language": "de" });
  await a.get("/r", { "accept-language": "fr" });
  await later(50);
  expect((await b.get("/r", { "accept-language": "de" })).text).toBe('["a","de"]');
  expect((await b.get("/r", { "accept-language": "fr" })).text).toBe('["a","fr"]');
  expect((await b.get("/r", { "accept-language": "it" })).text).toBe('["b","it"]');
  expect(runs).toEqual(["a", "a", "b"]);
});

test("bytes that were tampered with, or are somebody else's, are a miss", async () => {
  const { a, b, runs } = await route(
    { shared: true },
    (name) => (_req, res) => void res.json(name),
  );
  await a.get("/r");
  await untilStored();
  const [key] = await stored();
  const size = Number(await redis.command("STRLEN", key!));
  for (let at = 0; at < size; at += Math.ceil(size / 12)) {
    await redis.command("SETRANGE", key!, String(at), "\u0001");
    await b.cache.shared?.read("nothing");
  }
  expect((await b.get("/r")).headers["x-cache"]).toBe("MISS");
  for (const foreign of ["", "hello", "H1", "x".repeat(1_000)]) {
    await b.cache.clear();
    await redis.command("SET", key!, foreign);
    expect((await b.get("/r")).text).toBe('"b"');
  }
  await redis.command("LPUSH", "a list", "of one");
  await redis.command("RENAME", "a list", key!);
  await b.cache.delete({ tags: ["none"] });
  expect((await b.get("/r")).status).toBe(200);
  expect(runs[0]).toBe("a");
  expect(runs.slice(1).every((name) => name === "b")).toBe(true);
});

test("a public route is answered in front after one look", async () => {
  const { a, b, runs } = await route(
    { public: true },
    (name) => (_req, res) => void res.set("X-By", name).json({}),
    { front: true },
  );
  await a.get("/r");
  await untilStored();
  expect((await b.get("/r")).headers["x-by"]).toBe("a");
  expect(b.responses.stats().frontHits).toBe(0);
  expect((await b.get("/r")).headers["x-by"]).toBe("a");
  expect(b.responses.stats().frontHits).toBe(1);
  expect(runs).toEqual(["a"]);
});

test("what expired is served by both while one of them refreshes", async () => {
  let version = 1;
  const policy = { shared: true, staleWhileRevalidateMs: 60_000, tags: ["t"] };
  const { a, b, runs } = await route(policy, () => async (_req, res) => {
    const read = version;
    await later(20);
    res.json({ version: read });
  });
  await a.get("/r");
  await untilStored();
  await b.get("/r");
  version = 2;
  await a.cache.expire({ tags: ["t"] });
  await later(150);
  const stale = await Promise.all([a.get("/r"), b.get("/r"), a.get("/r"), b.get("/r")]);
  for (const { text, headers } of stale) {
    expect(text).toBe('{"version":1}');
    expect(headers["x-cache"]).toBe("STALE");
  }
  const fresh = async (it: TestApp): Promise<string> => (await it.get("/r")).text;
  await expect.poll(() => fresh(a)).toBe('{"version":2}');
  await expect.poll(() => fresh(b)).toBe('{"version":2}');
  expect(runs.length).toBe(2);
});

test("what must not be shared is not in Redis", async () => {
  const { a } = await route({ shared: true, maxStaleMs: 5_000 }, () => (req, res) => {
    const id = String(req.params["id"]);
    if (id === "cookie") res.cookie("session", "secret");
    if (id === "private") res.set("Cache-Control", "private");
    if (id === "no-store") res.set("Cache-Control", "no-store");
    res.set("X-Request-Id", "of one request").json({ id });
  });
  for (const id of ["cookie", "private", "no-store"]) await a.get(`/r/${id}`);
  await a.get("/r/kept");
  await untilStored();
  await later(50);
  const [key] = await stored();
  expect(await stored()).toHaveLength(1);
  expect(key).toContain("/r/kept");
  const bytes = String(await redis.command("GET", key!));
  expect(bytes).not.toContain("of one request");
});

test("a large body travels compressed and comes back as it was", async () => {
  const text = Array.from({ length: 30_000 }, (_, n) => `line ${n}\n`).join("");
  const { a, b, runs } = await route({ shared: true }, () => (_req, res) => void res.send(text));
  await a.get("/r");
  await untilStored();
  const [key] = await stored();
  expect(Number(await redis.command("STRLEN", key!))).toBeLessThan(text.length * 0.9);
  const hit = await b.get("/r");
  expect(hit.headers["x-cache"]).toBe("HIT");
  expect(hit.text).toBe(text);
  expect(runs).toEqual(["a"]);
});

test("an answer is not younger on the other host", async () => {
  const { a, b } = await route(
    { shared: true, ttlMs: 60_000 },
    () => (_req, res) => void res.json(1),
  );
  await a.get("/r");
  await untilStored();
  await later(1_200);
  const [one, other] = [await a.get("/r"), await b.get("/r")];
  expect(Number(other.headers["age"])).toBeGreaterThanOrEqual(Number(one.headers["age"]));
  expect(Number(other.headers["age"])).toBeLessThanOrEqual(2);
});

test("credentials that select an answer are in no key and nowhere in Redis", async () => {
  const secrets = ["Bearer s3cret-token", "sid=s3cret-cookie", "s3cret-key"];
  const fields = { authorization: secrets[0]!, cookie: secrets[1]!, "x-api-key": secrets[2]! };
  const { a, b, runs } = await route(
    { shared: true, vary: ["Authorization", "Cookie"], ignoreReads: ["x-api-key"] },
    () => (req, res) => {
      res.vary("X-Api-Key").json({ ...LONG, for: req.get("authorization")?.length });
    },
  );
  await a.get("/r", fields);
  await untilStored();
  expect((await b.get("/r", fields)).headers["x-cache"]).toBe("HIT");
  for (const name of Object.keys(fields)) {
    const other = await b.get("/r", { ...fields, [name]: "Bearer other" });
    expect(other.headers["x-cache"], name).toBe("MISS");
  }
  expect(runs).toEqual(["a", "b", "b", "b"]);
  const held = (await redis.command("KEYS", "*")) as unknown[];
  const texts = await Promise.all(
    held.map(async (key) => [key, await redis.command("DUMP", String(key))].map(String).join()),
  );
  expect(texts.join()).not.toMatch(/s3cret/);
  expect(JSON.stringify([a.cache.coldest(10), b.cache.coldest(10)])).not.toMatch(/s3cret/);
});
