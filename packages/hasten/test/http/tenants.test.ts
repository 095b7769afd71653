// Two tenants: what one reads is never given to the other.
import { cached } from "hasten/express";
import { expect, test } from "vitest";
import { currentTrace } from "../../src/core/trace/index.ts";
import { fakeSource, shown, startTracked } from "./tracked-app.ts";

const ORDERS = "sql:shop:public.orders";

test("what depends on session settings or row security is kept only on a route with a scope", async () => {
  const source = fakeSource();
  await using it = await startTracked({ source }, (app, responses) => {
    app.use((req, _res, next) => {
      Object.assign(req, { user: { id: req.headers["x-tenant"] } });
      next();
    });
    const bySession = async (): Promise<void> => {
      await source.read([ORDERS]);
      currentTrace()?.personal("row security of orders");
    };
    // The tenant reaches the database by the session, past everything that the route can see.
    const tenant = new WeakMap<object, string>();
    app.use((req, _res, next) => {
      tenant.set(req.socket, String(req.rawHeaders[req.rawHeaders.indexOf("x-tenant") + 1]));
      next();
    });
    app.get("/open", cached(responses, { shared: true }), async (req, res) => {
      await bySession();
      res.json(tenant.get(req.socket));
    });
    app.get("/scoped", cached(responses, { scope: "user" }), async (req, res) => {
      await bySession();
      res.json(tenant.get(req.socket));
    });
  });
  for (const path of ["/open", "/scoped"]) {
    for (let times = 0; times < 4; times++) {
      for (const tenant of ["a", "b"]) {
        const answer = await it.get(path, { "x-tenant": tenant });
        expect([path, answer.text]).toEqual([path, JSON.stringify(tenant)]);
      }
    }
  }
  expect(it.responses.stats()).toMatchObject({ stored: 2, hits: 6 });
  expect(it.notices.map(({ kind, route, detail }) => [kind, route, detail])).toEqual([
    [
      "uncacheable",
      "GET /open",
      "what it reads depends on who asks (row security of orders): it needs a scope",
    ],
  ]);
});

test("a change of one tenant's rows leaves the other's answer", async () => {
  const source = fakeSource();
  let runs = 0;
  await using it = await startTracked({ source }, (app, responses) => {
    app.use((req, _res, next) => {
      Object.assign(req, { user: { id: req.headers["x-tenant"] } });
      next();
    });
    app.get("/orders", cached(responses, { scope: "user" }), async (req, res) => {
      const { id } = (req as unknown as { user: { id: string } }).user;
      await source.read([`${ORDERS}:tenant=${id}`, `${ORDERS}:*`]);
      runs += 1;
      res.json(`${id} ${runs}`);
    });
  });
  const of = (id: string) => it.get("/orders", { "x-tenant": id });
  await of("a");
  await of("b");
  it.responses.cache.dropLocal([ORDERS, `${ORDERS}:tenant=a`], "an order of a changed");
  expect(shown(await of("b"))).toBe('HIT "b 2"');
  expect(shown(await of("a"))).toBe('MISS "a 3"');
  it.responses.cache.dropLocal([ORDERS, `${ORDERS}:*`], "the table was truncated");
  expect(shown(await of("b"))).toBe('MISS "b 4"');
});

test("requests of two tenants side by side keep apart what they read", async () => {
  const source = fakeSource();
  await using it = await startTracked({ source }, (app, responses) => {
    app.use((req, _res, next) => {
      Object.assign(req, { user: { id: req.headers["x-tenant"] } });
      next();
    });
    app.get("/orders/:page", cached(responses, { scope: "user" }), async (req, res) => {
      const { id } = (req as unknown as { user: { id: string } }).user;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      await source.read([`${ORDERS}:tenant=${id}`]);
      res.json({ id, tags: currentTrace()?.dependency().tags });
    });
  });
  const asked = Array.from({ length: 100 }, async (_, at) => {
    const id = at % 2 === 0 ? "a" : "b";
    const answer = await it.get(`/orders/${at % 10}`, { "x-tenant": id });
    return [id, JSON.parse(answer.text)] as const;
  });
  for (const [id, body] of await Promise.all(asked)) {
    expect(body).toEqual({ id, tags: [`${ORDERS}:tenant=${id}`] });
  }
});
