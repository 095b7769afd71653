// Joined flights, refreshes, streams and bounded refills in a cache that tracks.
import { cached } from "hasten/express";
import { expect, test } from "vitest";
import { currentTrace } from "../../src/core/trace/index.ts";
import { gate, later, until } from "./app.ts";
import { counting, fakeSource, shown, startTracked } from "./tracked-app.ts";

const ORDERS = "sql:shop:public.orders";
const USERS = "sql:shop:public.users";

for (const authenticated of [false, true]) {
  const who = authenticated ? "behind an authentication that reads" : "without authentication";
  test(`a write during a flight costs one more run, however many wait, ${who}`, async () => {
    const source = fakeSource();
    const [first, second] = [gate(), gate()];
    let runs = 0;
    await using it = await startTracked({ source }, (app, responses) => {
      app.use(async (_req, _res, next) => {
        if (authenticated) await source.read([USERS]);
        next();
      });
      app.get("/x", cached(responses), async (_req, res) => {
        runs += 1;
        const run = runs;
        await source.read([ORDERS]);
        await (run === 1 ? first : second).opened;
        res.json(run);
      });
    });
    const asked = Array.from({ length: 30 }, () => it.get("/x"));
    await until(() => runs === 1);
    await later(20);
    it.responses.cache.dropLocal([ORDERS], "a row changed");
    first.open();
    await until(() => runs === 2);
    second.open();
    const texts = (await Promise.all(asked)).map(({ text }) => text).sort();
    expect(texts).toEqual(["1", ...Array(29).fill("2")]);
    expect([runs, (await it.get("/x")).text]).toEqual([2, "2"]);
  });
}

test("where every flight is invalidated, handlers run side by side within releasedMax", async () => {
  const source = fakeSource();
  let [running, most] = [0, 0];
  await using it = await startTracked({ source, releasedMax: 4 }, (app, responses) => {
    app.get("/x", cached(responses), async (_req, res) => {
      running += 1;
      most = Math.max(most, running);
      await source.read([ORDERS]);
      responses.cache.dropLocal([ORDERS], "written all the time");
      await later(2);
      running -= 1;
      res.json(1);
    });
  });
  const answers = await Promise.all(Array.from({ length: 40 }, () => it.get("/x")));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(most).toBeLessThanOrEqual(5);
});

test("those who wait while the source is silent get nothing older than the bound", async () => {
  const source = fakeSource();
  const first = gate();
  let runs = 0;
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses), async (_req, res) => {
      runs += 1;
      const run = runs;
      await source.read([ORDERS], run === 1 ? () => first.opened : undefined);
      res.json(run);
    });
  });
  const leader = it.get("/x");
  await until(() => runs === 1);
  await source.clock.advance(600);
  const waiter = it.get("/x");
  await later(20);
  first.open();
  expect([(await leader).text, (await waiter).text]).toEqual(["1", "2"]);
});

test("a refresh in the background reads in a trace of its own, and depends on who was let in", async () => {
  const source = fakeSource();
  const traces = new Set<unknown>();
  let runs = 0;
  await using it = await startTracked({ source }, (app, responses) => {
    app.use(async (req, _res, next) => {
      await source.read([USERS]);
      traces.add(currentTrace());
      Object.assign(req, { user: { id: "u1" } });
      next();
    });
    const policy = { ttlMs: 1_000, staleWhileRevalidateMs: 60_000, scope: "user" } as const;
    app.get("/x", cached(responses, policy), async (_req, res) => {
      runs += 1;
      traces.add(currentTrace());
      await source.read([ORDERS]);
      res.json(runs);
    });
  });
  await it.get("/x");
  await source.clock.advance(1_100);
  source.confirm();
  expect(shown(await it.get("/x"))).toBe("STALE 1");
  await until(() => it.responses.stats().stored === 2);
  const fresh = await it.get("/x");
  expect([shown(fresh), fresh.headers["cache-status"]]).toEqual([
    "HIT 2",
    "hasten; hit; ttl=1; detail=stream",
  ]);
  // Two requests came, the handler ran twice, the third request was a hit.
  expect(traces.size).toBe(5);
  it.responses.cache.dropLocal([USERS], "the user changed");
  expect(shown(await it.get("/x"))).toBe("MISS 3");
});

test("a refresh of front mode authenticates anew, in one trace of the whole application", async () => {
  const source = fakeSource();
  let runs = 0;
  await using it = await startTracked({ source, front: true }, (app, responses) => {
    app.use(async (_req, _res, next) => {
      await source.read([USERS]);
      next();
    });
    const policy = { ttlMs: 1_000, staleWhileRevalidateMs: 60_000, public: true };
    app.get("/x", cached(responses, policy), async (_req, res) => {
      runs += 1;
      await source.read([ORDERS]);
      res.json(runs);
    });
  });
  await it.get("/x");
  await source.clock.advance(1_100);
  source.confirm();
  expect(shown(await it.get("/x"))).toBe("STALE 1");
  await until(() => it.responses.stats().stored === 2);
  expect((await it.get("/x")).headers["cache-status"]).toContain("detail=stream");
  it.responses.cache.dropLocal([USERS], "a user changed");
  expect(shown(await it.get("/x"))).toBe("MISS 3");
});

test("a streamed answer depends on what was read between its chunks", async () => {
  const source = fakeSource();
  let runs = 0;
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses), async (_req, res) => {
      runs += 1;
      res.type("text");
      for (const table of [ORDERS, USERS]) {
        res.write(`${runs} ${table}\n`);
        await source.read([table]);
        await later(1);
      }
      res.end();
    });
  });
  await it.get("/x");
  await until(() => it.responses.stats().stored === 1);
  expect((await it.get("/x")).headers["cache-status"]).toContain("detail=stream");
  it.responses.cache.dropLocal([USERS], "a row changed");
  expect((await it.get("/x")).text).toContain("2 ");
});

test("HEAD and ranges are answered from what is tracked, and store nothing", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses), orders.handler);
  });
  expect((await it.ask("/x", { method: "HEAD" })).headers["x-cache"]).toBe("MISS");
  await it.get("/x", { range: "bytes=0-0" });
  expect(it.responses.stats().stored).toBe(0);
  await it.get("/x");
  const head = await it.ask("/x", { method: "HEAD" });
  expect(head.headers["cache-status"]).toContain("detail=stream");
  expect((await it.get("/x", { range: "bytes=0-0" })).status).toBe(206);
  await source.clock.advance(501);
  expect((await it.ask("/x", { method: "HEAD" })).headers["x-cache"]).toBe("MISS");
});

test("maxStaleMs bounds refills although the rows change all the time", async () => {
  const source = fakeSource();
  const hot = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/hot", cached(responses, { maxStaleMs: 1_000 }), hot.handler);
  });
  for (let writes = 0; writes < 20; writes++) {
    await it.get("/hot");
    it.responses.cache.dropLocal([ORDERS], "a row changed");
    await source.clock.advance(100);
    source.confirm();
  }
  expect(hot.runs).toBe(2);
});

test("a key that is written before anyone reads it is left alone; one that lapses is not", async () => {
  const source = fakeSource();
  const hot = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/hot", cached(responses), hot.handler);
    app.get("/quiet", cached(responses), hot.handler);
  });
  for (let times = 0; times < 8; times++) {
    await it.get("/quiet");
    await source.clock.advance(600);
  }
  expect(it.notices).toEqual([]);
  for (let times = 0; times < 8; times++) {
    await it.get("/hot");
    it.responses.cache.dropLocal([ORDERS], "a row changed");
  }
  expect(it.notices.map(({ kind, route }) => [kind, route])).toEqual([["write-hot", "GET /hot"]]);
});
