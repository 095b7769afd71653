// Handlers and middleware that do odd things while an answer is recorded, waited for or replayed.

import type { ErrorRequestHandler } from "express";
import { createCache } from "hasten/cache";
import { cached, compression } from "hasten/express";
import { expect, test } from "vitest";
import { manualClock } from "../../src/core/clock.ts";
import { createFlights } from "../../src/http/response-cache/flights.ts";
import { resolveOptions } from "../../src/http/response-cache/options.ts";
import { gate, startApp, until } from "./app.ts";

test("a buffer that the handler uses again after its write is stored as it was", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/file", cached(responses), (_req, res) => {
      const buffer = Buffer.alloc(4, "a");
      res.write(buffer, () => {
        buffer.fill("b");
        res.write(buffer, () => {
          buffer.fill("c");
          res.end();
        });
      });
    });
  });
  expect((await it.get("/file")).text).toBe("aaaabbbb");
  const hit = await it.get("/file");
  expect([hit.headers["x-cache"], hit.text]).toEqual(["HIT", "aaaabbbb"]);
});

test("an end that Node refuses leaves no flight behind and stores no error page", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get("/odd", cached(responses), (_req, res) => {
      runs += 1;
      res.status(200).end(123);
    });
    const page: ErrorRequestHandler = (_error, _req, res, _next) =>
      void res.status(500).end("page");
    app.use(page);
  });
  expect((await it.get("/odd")).status).toBe(500);
  await until(() => it.responses.stats().flights === 0);
  expect((await it.get("/odd")).status).toBe(500);
  expect([runs, it.responses.stats().stored]).toEqual([2, 0]);
});

test("a hit keeps hooks on end that stand before and after compression", async () => {
  let ends = 0;
  await using it = await startApp((app, responses) => {
    app.use(compression());
    app.use((_req, res, next) => {
      const { end } = res;
      Object.assign(res, {
        end(...args: Parameters<typeof end>) {
          ends += 1;
          return end.apply(res, args);
        },
      });
      next();
    });
    app.get("/v", cached(responses), (_req, res) => void res.json({ v: 1 }));
  });
  await it.get("/v");
  expect((await it.get("/v")).headers["x-cache"]).toBe("HIT");
  expect(ends).toBe(2);
});

test("a request that something else answered while it waited does not run its handler", async () => {
  let runs = 0;
  const slow = gate();
  let waiting = 0;
  await using it = await startApp((app, responses) => {
    app.use((_req, res, next) => {
      waiting += 1;
      // As time-out middleware does: the second request is answered while it waits.
      if (waiting === 2) setTimeout(() => void res.status(503).write("timed "), 20);
      if (waiting === 2) setTimeout(() => void res.end("out"), 80);
      next();
    });
    app.get("/slow", cached(responses), async (_req, res) => {
      runs += 1;
      await slow.opened;
      res.json({ runs });
    });
  });
  const leader = it.get("/slow");
  await until(() => runs === 1);
  const second = it.get("/slow");
  await until(() => waiting === 2);
  const third = it.get("/slow");
  await until(() => waiting === 3);
  await new Promise((resolve) => setTimeout(resolve, 40));
  slow.open();
  expect((await second).text).toBe("timed out");
  expect((await third).text).toBe('{"runs":1}');
  await leader;
  expect(runs).toBe(1);
});

test("tags that cannot be stored are reported", async () => {
  await using it = await startApp((app, responses) => {
    const tags = (): string[] => {
      throw new Error("no tags today");
    };
    app.get("/v", cached(responses, { tags }), (_req, res) => void res.json({ v: 1 }));
  });
  await it.get("/v");
  await until(() => it.notices.length > 0);
  expect(it.notices[0]).toMatchObject({ kind: "uncacheable" });
  expect(it.notices[0]?.detail).toContain("no tags today");
});

test("codings that do not fit the budget of a body are not made again and again", async () => {
  const body = Array.from({ length: 1_500 }, (_, at) => ((at * 2_654_435_761) >>> 0).toString(36));
  await using it = await startApp(
    (app, responses) => {
      app.get("/v", cached(responses), (_req, res) => void res.json(body));
    },
    { syncCodingMaxBytes: 1 << 20 },
  );
  await it.get("/v");
  for (let round = 0; round < 5; round++) {
    for (const coding of ["zstd", "br", "gzip", "deflate"]) {
      expect((await it.get("/v", { "accept-encoding": coding })).text).toBe(JSON.stringify(body));
    }
  }
  expect(it.responses.stats().codings.made).toBeLessThanOrEqual(4);
});

test("a field that the handler overrides is overridden on hits as well", async () => {
  await using it = await startApp((app, responses) => {
    app.use((req, res, next) => {
      res.set("Cache-Control", "no-store").set("X-Tenant", String(req.headers["x-tenant"]));
      next();
    });
    app.get("/v", cached(responses), (_req, res) => {
      res.set("Cache-Control", "public, max-age=60").json({ v: 1 });
    });
  });
  const miss = await it.get("/v", { "x-tenant": "a" });
  const hit = await it.get("/v", { "x-tenant": "b" });
  expect(hit.headers["x-cache"]).toBe("HIT");
  expect(hit.headers["cache-control"]).toBe(miss.headers["cache-control"]);
  expect(hit.headers["x-tenant"]).toBe("b");
});

test("expire does not make an answer stale-while-revalidate where the route has none", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get("/v", cached(responses, { tags: ["v"], graceMs: 60_000 }), (_req, res) => {
      runs += 1;
      res.json({ runs });
    });
  });
  await it.get("/v");
  await it.responses.cache.expire({ tags: ["v"] });
  expect((await it.get("/v")).text).toBe('{"runs":2}');
});

test("a refresh that finds the answer no longer public ends the stale one", async () => {
  const clock = manualClock();
  let open = true;
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      app.get(
        "/doc",
        cached(responses, { ttlMs: 1_000, public: true, staleWhileRevalidateMs: 60_000 }),
        (_req, res) => {
          runs += 1;
          if (open) res.json({ secret: 1 });
          else res.status(403).json({ title: "Forbidden" });
        },
      );
    },
    { front: true, clock },
  );
  await it.get("/doc");
  open = false;
  await clock.advance(2_000);
  expect((await it.get("/doc")).headers["x-cache"]).toBe("STALE");
  await until(() => runs === 2 && it.responses.stats().refreshing === 0);
  expect((await it.get("/doc")).status).toBe(403);
});

test("10,000 callers of one missing answer all wait for it", () => {
  const flights = createFlights(resolveOptions({ cache: createCache() }), manualClock());
  const flight = flights.start("key");
  let landed = 0;
  const count = (): void => {
    landed += 1;
  };
  for (let caller = 0; caller < 10_000; caller++) {
    expect(flights.join("key", count)).toBe(true);
  }
  flight?.land({ kind: "failed" });
  expect(landed).toBe(10_000);
});
