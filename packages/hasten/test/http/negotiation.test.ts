// http.md §6, tests 5 and 6: codings, tags, HEAD and ranges.
import { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { cached, compression } from "hasten/express";
import { expect, test } from "vitest";
import { startApp, type TestApp, until } from "./app.ts";

const BODY = JSON.stringify({
  rows: Array.from({ length: 200 }, (_, id) => ({ id, name: `row ${id}` })),
});
const CODINGS: readonly [string | undefined, string | undefined][] = [
  ["zstd", "zstd"],
  ["br", "br"],
  ["gzip", "gzip"],
  ["deflate", "deflate"],
  ["gzip, br;q=0.5", "gzip"],
  ["*", "zstd"],
  ["gzip;q=0, *;q=0.1", "zstd"],
  ["identity", undefined],
  ["gzip;q=0", undefined],
  ["unknown", undefined],
  [undefined, undefined],
];

function start(): Promise<TestApp> {
  return startApp((app, responses) => {
    app.disable("etag");
    app.get("/list", cached(responses), (_req, res) => {
      res.type("json").send(BODY);
    });
  });
}

test.each(CODINGS)(
  "Accept-Encoding %s is answered with %s, cold and warm, GET and HEAD",
  async (accept, coding) => {
    await using it = await start();
    const headers = accept === undefined ? {} : { "accept-encoding": accept };
    const cold = await it.get("/list", headers);
    const warm = await it.get("/list", headers);
    const head = await it.ask("/list", { method: "HEAD", headers });
    for (const answer of [cold, warm]) {
      expect(answer.text).toBe(BODY);
      expect(answer.headers.vary).toMatch(/accept-encoding/i);
      expect(Number(answer.headers["content-length"])).toBe(answer.raw.length);
      expect(answer.headers.etag).toMatch(/^"[^"]+"$/);
    }
    expect(warm.headers["content-encoding"]).toBe(coding);
    expect(head.raw).toHaveLength(0);
    for (const name of ["content-length", "content-encoding", "content-type", "etag", "vary"]) {
      expect(head.headers[name]).toBe(warm.headers[name]);
    }
  },
);

test("each coding has a strong tag of its own, and only that tag gives 304", async () => {
  await using it = await start();
  await it.get("/list");
  const tags = new Map<string, string>();
  for (const coding of ["identity", "gzip", "br", "zstd", "deflate"]) {
    tags.set(coding, (await it.get("/list", { "accept-encoding": coding })).headers.etag!);
  }
  expect(new Set(tags.values()).size).toBe(5);
  for (const [asked, tag] of tags) {
    for (const coding of tags.keys()) {
      const answer = await it.get("/list", { "accept-encoding": coding, "if-none-match": tag });
      expect(answer.status).toBe(coding === asked ? 304 : 200);
    }
  }
});

test("a 304 carries what RFC 9110 asks for and no body", async () => {
  await using it = await start();
  const { headers } = await it.get("/list");
  for (const field of [headers.etag!, `"other", W/${headers.etag}`, "*"]) {
    const answer = await it.get("/list", { "if-none-match": field });
    expect(answer.status).toBe(304);
    expect(answer.raw).toHaveLength(0);
    expect(answer.headers["content-length"]).toBeUndefined();
    expect(answer.headers["content-type"]).toBeUndefined();
    for (const name of ["etag", "cache-control", "vary", "date"]) {
      expect(answer.headers[name]).toBeDefined();
    }
  }
});

test("a condition on a cold route fills the cache with the whole answer", async () => {
  await using it = await start();
  const { headers } = await it.get("/list");
  await it.responses.cache.clear();
  const conditional = await it.get("/list", { "if-none-match": headers.etag! });
  expect(conditional.status).toBe(304);
  const whole = await it.get("/list");
  expect(whole.headers["x-cache"]).toBe("HIT");
  expect(whole.text).toBe(BODY);
});

test("If-Modified-Since is answered from the stored Last-Modified unless If-None-Match is there", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/x", cached(responses), (_req, res) => {
      res.set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT").send("x".repeat(10));
    });
  });
  await it.get("/x");
  const since = { "if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT" };
  expect((await it.get("/x", since)).status).toBe(304);
  const before = { "if-modified-since": "Wed, 31 Dec 2025 23:59:59 GMT" };
  expect((await it.get("/x", before)).status).toBe(200);
  expect((await it.get("/x", { ...since, "if-none-match": '"other"' })).status).toBe(200);
});

test("bodies that are small, not compressible, coded already or not to be changed are left alone", async () => {
  const png = Buffer.alloc(4_000, 7);
  const gzipped = gzipSync(BODY);
  await using it = await startApp((app, responses) => {
    app.get("/small", cached(responses), (_req, res) => void res.json({ a: 1 }));
    app.get("/png", cached(responses), (_req, res) => void res.type("png").send(png));
    app.get("/fixed", cached(responses), (_req, res) => {
      res.set("Cache-Control", "no-transform, max-age=60").type("json").send(BODY);
    });
    app.get("/coded", cached(responses), (_req, res) => {
      res.set({ "Content-Encoding": "gzip", Vary: "Accept-Encoding" }).type("json").send(gzipped);
    });
  });
  const headers = { "accept-encoding": "gzip, br" };
  for (const path of ["/small", "/png", "/fixed"]) {
    await it.get(path, headers);
    const warm = await it.get(path, headers);
    expect(warm.headers["x-cache"]).toBe("HIT");
    expect(warm.headers["content-encoding"]).toBeUndefined();
  }
  expect((await it.get("/small", headers)).headers.vary).toMatch(/accept-encoding/i);
  await it.get("/coded", headers);
  const coded = await it.get("/coded", headers);
  expect(coded.headers["x-cache"]).toBe("HIT");
  expect(coded.raw).toEqual(gzipped);
  expect((await it.get("/coded", { "accept-encoding": "identity" })).headers["x-cache"]).toBe(
    "MISS",
  );
});

test("x-no-compression gets identity", async () => {
  await using it = await start();
  const headers = { "accept-encoding": "gzip" };
  await it.get("/list", headers);
  const warm = await it.get("/list", { ...headers, "x-no-compression": "1" });
  expect(warm.headers["x-cache"]).toBe("HIT");
  expect(warm.headers["content-encoding"]).toBeUndefined();
});

test("a large body is coded off the event loop, once, while identity is served", async () => {
  const large = JSON.stringify({ rows: Array.from({ length: 20_000 }, (_, id) => ({ id })) });
  await using it = await startApp(
    (app, responses) => {
      app.get("/large", cached(responses), (_req, res) => void res.type("json").send(large));
    },
    { syncCodingMaxBytes: 1_024 },
  );
  await it.get("/large");
  const headers = { "accept-encoding": "br" };
  const meanwhile = await Promise.all([it.get("/large", headers), it.get("/large", headers)]);
  expect(meanwhile.every((answer) => answer.text === large)).toBe(true);
  expect(meanwhile[0]!.headers["content-encoding"]).toBeUndefined();
  await until(() => it.responses.stats().codings.made === 1);
  const ready = await it.get("/large", headers);
  expect(ready.headers["content-encoding"]).toBe("br");
  expect(ready.text).toBe(large);
  expect(it.responses.stats().codings.made).toBe(1);
});

test("after some hits a coding is made again at its best level, and both its tags give 304", async () => {
  await using it = await startApp(
    (app, responses) => {
      app.disable("etag");
      app.get("/list", cached(responses), (_req, res) => void res.type("json").send(BODY));
    },
    { upgradeAfterHits: 5 },
  );
  await it.get("/list");
  const headers = { "accept-encoding": "br" };
  const fast = await it.get("/list", headers);
  for (let hits = 0; hits < 5; hits++) await it.get("/list", headers);
  await until(() => it.responses.stats().codings.upgraded === 1);
  const best = await it.get("/list", headers);
  expect(best.text).toBe(BODY);
  expect(best.raw.length).toBeLessThan(fast.raw.length);
  expect(best.headers.etag).not.toBe(fast.headers.etag);
  for (const tag of [fast.headers.etag!, best.headers.etag!]) {
    expect((await it.get("/list", { ...headers, "if-none-match": tag })).status).toBe(304);
  }
});

test("a range fills nothing, and a stored answer is cut for it", async () => {
  await using it = await startApp((app, responses) => {
    app.disable("etag");
    app.get("/text", cached(responses), (req, res) => {
      if (req.headers.range !== undefined) {
        res.status(206).set("Content-Range", "bytes 0-1/5").type("txt").send("he");
      } else res.type("txt").send("hello");
    });
  });
  const range = { range: "bytes=0-1" };
  expect((await it.get("/text", range)).text).toBe("he");
  const full = await it.get("/text");
  expect([full.status, full.text, full.headers["x-cache"]]).toEqual([200, "hello", "MISS"]);
  const part = await it.get("/text", range);
  expect([part.status, part.text, part.headers["x-cache"]]).toEqual([206, "he", "HIT"]);
  expect(part.headers["content-range"]).toBe("bytes 0-1/5");
  expect(part.headers["content-length"]).toBe("2");
  const unsatisfiable = await it.get("/text", { range: "bytes=9-" });
  expect([unsatisfiable.status, unsatisfiable.headers["content-range"]]).toEqual([
    416,
    "bytes */5",
  ]);
  const stale = await it.get("/text", { ...range, "if-range": '"other"' });
  expect([stale.status, stale.text]).toEqual([200, "hello"]);
  const current = await it.get("/text", { ...range, "if-range": full.headers.etag! });
  expect(current.status).toBe(206);
});

test("compression in front of the cache leaves its codings alone", async () => {
  await using it = await startApp((app, responses) => {
    app.use(compression());
    app.get("/list", cached(responses), (_req, res) => void res.type("json").send(BODY));
  });
  for (const expected of ["MISS", "HIT", "HIT"]) {
    const answer = await it.get("/list", { "accept-encoding": "gzip" });
    expect(answer.text).toBe(BODY);
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(answer.headers["x-cache"]).toBe(expected);
  }
  expect((await it.get("/list")).text).toBe(BODY);
});

test("a hit steps past compression, whose methods are then Node's own again", async () => {
  const own: boolean[] = [];
  await using it = await startApp((app, responses) => {
    app.use((_req, res, next) => {
      res.once("finish", () => own.push(res.writeHead === ServerResponse.prototype.writeHead));
      next();
    });
    app.disable("x-powered-by").use(compression());
    app.get("/list", cached(responses), (_req, res) => void res.type("json").send(BODY));
  });
  const headers = { "accept-encoding": "br" };
  await it.get("/list", headers);
  const hit = await it.get("/list", headers);
  expect([hit.text, hit.headers["content-encoding"], hit.headers["x-cache"]]).toEqual([
    BODY,
    "br",
    "HIT",
  ]);
  await until(() => own.length === 2);
  expect(own[1]).toBe(true);
});
