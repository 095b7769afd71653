// Answers that drop out when what their handler read changes (coherence §2, §6).
import { cached, problems } from "hasten/express";
import { expect, test } from "vitest";
import { currentTrace } from "../../src/core/trace/index.ts";
import { instant } from "../../src/core/trust.ts";
import { gate, until } from "./app.ts";
import { counting, fakeSource, shown, startTracked } from "./tracked-app.ts";

const ORDERS = "sql:shop:public.orders";
const USERS = "sql:shop:public.users";

test("an answer lives until what its handler read changes, and says how changes are learnt", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/orders", cached(responses), orders.handler);
    app.get("/users", cached(responses), async (_req, res) => {
      await source.read([USERS]);
      res.json("users");
    });
  });
  expect(shown(await it.get("/orders"))).toBe("MISS 1");
  await it.get("/users");
  const hit = await it.get("/orders");
  expect([shown(hit), hit.headers["cache-status"]]).toEqual([
    "HIT 1",
    "hasten; hit; ttl=300; detail=stream",
  ]);
  it.responses.cache.dropLocal([ORDERS], "a row changed");
  expect(shown(await it.get("/orders"))).toBe("MISS 2");
  expect(shown(await it.get("/users"))).toBe('HIT "users"');
  expect(it.notices).toEqual([]);
});

test("what changed while the handler ran is not stored, whichever read it was", async () => {
  const source = fakeSource();
  let runs = 0;
  let slow = gate();
  await using it = await startTracked({ source }, (app, responses) => {
    app.use(async (_req, _res, next) => {
      await source.read([USERS]);
      next();
    });
    app.get("/x", cached(responses), async (_req, res) => {
      runs += 1;
      await source.read([ORDERS]);
      await slow.opened;
      res.json(runs);
    });
  });
  for (const tag of [ORDERS, USERS]) {
    const before = runs;
    slow = gate();
    const first = it.get("/x");
    await until(() => runs > before);
    it.responses.cache.dropLocal([tag], "a row changed");
    slow.open();
    expect((await first).status).toBe(200);
  }
  expect(it.responses.stats()).toMatchObject({ stored: 0, voided: 2 });
});

test("what an authentication read before the route drops the answer too", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.use(async (_req, _res, next) => {
      await source.read([USERS]);
      next();
    });
    app.get("/orders", cached(responses), orders.handler);
  });
  await it.get("/orders");
  expect(shown(await it.get("/orders"))).toBe("HIT 1");
  it.responses.cache.dropLocal([USERS], "the role of a user changed");
  expect(shown(await it.get("/orders"))).toBe("MISS 2");
});

test("while the source is silent nothing is fresh, and it is again when the source confirms", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/orders", cached(responses, { staleWhileRevalidateMs: 60_000 }), orders.handler);
  });
  await it.get("/orders");
  await source.clock.advance(2_000);
  source.confirm();
  expect(shown(await it.get("/orders"))).toBe("HIT 1");
  await source.clock.advance(600);
  expect(shown(await it.get("/orders"))).toBe("MISS 2");
  // What was just read may be used for as long as a confirmation would let it.
  await source.clock.advance(400);
  expect(shown(await it.get("/orders"))).toBe("HIT 2");
  await source.clock.advance(200);
  source.confirm();
  expect(shown(await it.get("/orders"))).toBe("HIT 2");
  expect(it.responses.stats().unconfirmed).toBe(1);
});

test("an answer of a source that has ended is never fresh again", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/orders", cached(responses, { staleWhileRevalidateMs: 60_000 }), orders.handler);
  });
  await it.get("/orders");
  source.gap();
  source.confirm();
  await source.clock.advance(501);
  source.confirm();
  expect(shown(await it.get("/orders"))).toBe("MISS 2");
  expect(shown(await it.get("/orders"))).toBe("HIT 2");
});

test("what is not confirmed replaces errors, marked, up to graceMs after the source fell silent", async () => {
  const source = fakeSource();
  let down = false;
  const orders = counting((runs) => {
    if (down) throw new Error("the database is down");
    return source.read([ORDERS], async () => runs);
  });
  const patience = { retryAfterMs: 0 };
  await using it = await startTracked({ source, ...patience }, (app, responses) => {
    app.get("/orders", cached(responses, { graceMs: 10_000 }), orders.handler);
    app.get("/strict", cached(responses), orders.handler);
    app.use(problems());
  });
  await it.get("/orders");
  await it.get("/strict");
  down = true;
  await source.clock.advance(5_000);
  const stale = await it.get("/orders");
  expect([stale.status, shown(stale)]).toEqual([200, "STALE 1"]);
  expect(stale.headers["cache-status"]).toContain("detail=stale-if-error");
  expect((await it.get("/strict")).status).toBe(500);
  await source.clock.advance(5_600);
  expect((await it.get("/orders")).status).toBe(500);
});

test("after an own write that the source has not passed, not even an error is replaced", async () => {
  const source = fakeSource();
  let down = false;
  const orders = counting((runs) => {
    if (down) throw new Error("the database is down");
    return source.read([ORDERS], async () => runs);
  });
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/orders", cached(responses, { graceMs: 10_000 }), orders.handler);
    app.use(problems());
  });
  await it.get("/orders");
  await source.clock.advance(10);
  source.trust.suspend(instant(source.clock));
  down = true;
  expect((await it.get("/orders")).status).toBe(500);
  source.confirm();
  expect(shown(await it.get("/orders"))).toBe("HIT 1");
});

test("in front mode too, only what is confirmed is answered", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source, front: true }, (app, responses) => {
    const policy = { public: true, staleWhileRevalidateMs: 60_000 };
    app.get("/orders", cached(responses, policy), orders.handler);
  });
  await it.get("/orders");
  const hit = await it.get("/orders");
  expect(hit.headers["cache-status"]).toContain("detail=stream");
  expect(it.responses.stats().frontHits).toBe(1);
  await source.clock.advance(501);
  expect(shown(await it.get("/orders"))).toBe("MISS 2");
  it.responses.cache.dropLocal([ORDERS], "a row changed");
  expect(shown(await it.get("/orders"))).toBe("MISS 3");
});

test("a cached value that is used brings what it depends on, and its end", async () => {
  const source = fakeSource();
  const orders = counting((runs) => {
    currentTrace()?.include({
      tags: [ORDERS],
      trusts: [source.trust],
      seq: 1,
      capturedMs: source.clock.nowMs(),
      capturedWallMs: source.clock.wallMs(),
      expiresAtMs: source.clock.nowMs() + 20_000,
      untracked: [],
    });
    return runs;
  });
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/orders", cached(responses), orders.handler);
  });
  await it.get("/orders");
  expect((await it.get("/orders")).headers["cache-status"]).toContain("ttl=20");
  await source.clock.advance(20_001);
  source.confirm();
  expect(shown(await it.get("/orders"))).toBe("MISS 2");
});

test("variants of one URL that read different rows are dropped by the rows of any", async () => {
  const source = fakeSource();
  const page = counting(() => undefined);
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses, {}), async (req, res) => {
      page.runs += 1;
      const language = req.get("accept-language") ?? "en";
      await source.read([`${ORDERS}:language=${language}`, `${ORDERS}:*`]);
      res.vary("Accept-Language").json(page.runs);
    });
  });
  const [de, fr] = [{ "accept-language": "de" }, { "accept-language": "fr" }];
  await it.get("/x", de);
  await it.get("/x", fr);
  expect(shown(await it.get("/x", de))).toBe("HIT 1");
  expect(shown(await it.get("/x", fr))).toBe("HIT 2");
  it.responses.cache.dropLocal([`${ORDERS}:language=de`], "a row changed");
  expect(shown(await it.get("/x", de))).toBe("MISS 3");
});

test("why tells for a URL what rests on what, and what dropped it", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/why", cached(responses, { ttlMs: 10_000 }), orders.handler);
  });
  expect(it.responses.why("/why")).toMatchObject({ state: "absent" });
  await it.get("/why");
  expect(it.responses.why("/why")).toMatchObject({ state: "fresh", promise: "stream" });
  it.responses.cache.dropLocal([ORDERS], "a change committed by 0/1");
  const why = it.responses.why("/why");
  expect(why.state).toBe("invalid");
  expect(why.because).toContain("0/1");
});
