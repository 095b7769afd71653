// Fail closed: what is not known to be complete lives by its time, and is reported by its name.
import { EventEmitter } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { Request, RequestHandler, Response } from "express";
import { cached, requests, untraced } from "hasten/express";
import { expect, test } from "vitest";
import { currentTrace, inTrace, Trace } from "../../src/core/trace/index.ts";
import { gate, until } from "./app.ts";
import { counting, fakeSource, shown, startTracked } from "./tracked-app.ts";

const ORDERS = "sql:shop:public.orders";

const details = (notices: readonly { readonly detail: string }[]): string =>
  notices.map(({ detail }) => detail).join("\n");

test("an answer whose reads are not all understood says so, and each cause is told once", async () => {
  const source = fakeSource();
  const mixed = counting(async (runs) => {
    await source.read([ORDERS]);
    currentTrace()?.untracked("a request to rates.example");
    return runs;
  });
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/mixed", cached(responses, { ttlMs: 10_000 }), mixed.handler);
    app.get("/nothing", cached(responses), (_req, res) => void res.json("constant"));
  });
  const miss = await it.get("/mixed");
  expect(miss.headers["cache-status"]).toBe("hasten; fwd=uri-miss; stored; detail=untracked");
  await source.clock.advance(5_000);
  const hit = await it.get("/mixed");
  expect(hit.headers["cache-status"]).toBe("hasten; hit; ttl=5; detail=untracked");
  await source.clock.advance(5_001);
  expect(shown(await it.get("/mixed"))).toBe("MISS 2");
  it.responses.cache.dropLocal([ORDERS], "what is known of it still drops it");
  expect(shown(await it.get("/mixed"))).toBe("MISS 3");
  await it.get("/nothing");
  expect(it.notices.map(({ kind, route, detail }) => [kind, route, detail])).toEqual([
    ["untracked", "GET /mixed", "its answers live by ttlMs only: a request to rates.example"],
    ["untracked", "GET /nothing", "its answers live by ttlMs only: nothing was read"],
  ]);
  expect(it.responses.stats().untracked).toBe(4);
});

test('with untracked: "bypass" such answers are not stored', async () => {
  const source = fakeSource();
  const blind = counting((runs) => runs);
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses, { untracked: "bypass" }), blind.handler);
  });
  const miss = await it.get("/x");
  expect(miss.headers["cache-status"]).toBe("hasten; fwd=uri-miss; detail=untracked");
  expect(shown(await it.get("/x"))).toBe("MISS 2");
  expect(details(it.notices)).toBe("its answers are not stored: nothing was read");
});

test("without requests() in front nobody knows what middleware read", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source, mounted: false }, (app, responses) => {
    app.get("/x", cached(responses), orders.handler);
  });
  await it.get("/x");
  expect((await it.get("/x")).headers["cache-status"]).toContain("detail=untracked");
  expect(details(it.notices)).toContain("requests() is not mounted");
});

test("a trace that somebody else opened around it will do", async () => {
  const source = fakeSource();
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source, mounted: false }, (app, responses) => {
    app.use((_req, _res, next) => inTrace(new Trace(source.clock), next));
    app.get("/x", cached(responses), orders.handler);
  });
  await it.get("/x");
  expect((await it.get("/x")).headers["cache-status"]).toContain("detail=stream");
});

test("middleware that calls back in another request's context makes the answer untracked", async () => {
  const source = fakeSource();
  const parked: (() => void)[] = [];
  // As a pool with a queue does: all go on in the context of the last one.
  const queue: RequestHandler = (_req, _res, next) => {
    parked.push(next);
    if (parked.length < 3) return;
    for (const go of parked.splice(0)) go();
  };
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.use(queue);
    app.get("/:id", cached(responses), orders.handler);
  });
  await Promise.all([it.get("/1"), it.get("/2"), it.get("/3")]);
  expect(it.responses.stats()).toMatchObject({ stored: 3, untracked: 2 });
  expect(details(it.notices)).toContain("lost the asynchronous context");
});

test("a cached route inside another is untracked, and so is what is around it", async () => {
  const source = fakeSource();
  await using it = await startTracked({ source }, (app, responses) => {
    const around = cached(responses, { key: () => "around" });
    const inside = cached(responses, { key: () => "inside" });
    app.get("/x", around, inside, async (_req, res) => {
      await source.read([ORDERS]);
      res.set("Cache-Control", "public, max-age=60").json(1);
    });
  });
  await it.get("/x");
  const { stored, untracked } = it.responses.stats();
  expect([stored > 0, untracked]).toEqual([true, stored]);
  expect(details(it.notices)).toContain("one cached route runs inside another");
});

test("a request handled inside another one makes the outer answer untracked", async () => {
  const source = fakeSource();
  const inner = requests({ clock: source.clock, timing: false, compression: false });
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/outer", cached(responses), async (_req, res) => {
      await source.read([ORDERS]);
      const injected = { method: "GET" } as Request;
      inner(injected, new EventEmitter() as Response, () => res.json(1));
    });
  });
  await it.get("/outer");
  expect(it.responses.stats()).toMatchObject({ stored: 1, untracked: 1 });
  expect(details(it.notices)).toContain("another request handled inside it");
});

test("an answer waits for what its handler left running, and depends on it", async () => {
  const source = fakeSource();
  const slow = gate();
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses), async (_req, res) => {
      await source.read([ORDERS]);
      void source.read(["sql:shop:public.audit"], () => slow.opened);
      res.json(1);
    });
  });
  await it.get("/x");
  expect(it.responses.stats().stored).toBe(0);
  slow.open();
  await until(() => it.responses.stats().stored === 1);
  it.responses.cache.dropLocal(["sql:shop:public.audit"], "a row changed");
  expect(shown(await it.get("/x"))).toBe("MISS 1");
});

test("a query that does not end makes the answer untracked after settleMs", async () => {
  const source = fakeSource();
  await using it = await startTracked({ source, settleMs: 200 }, (app, responses) => {
    app.get("/x", cached(responses), async (_req, res) => {
      await source.read([ORDERS]);
      void source.read([ORDERS], () => new Promise(() => undefined));
      res.json(1);
    });
  });
  await it.get("/x");
  await source.clock.advance(201);
  await until(() => it.responses.stats().stored === 1);
  expect((await it.get("/x")).headers["cache-status"]).toContain("detail=untracked");
  expect(details(it.notices)).toContain("a query did not end with the answer");
});

test("a query after the answer drops it, unless it is said not to matter", async () => {
  const source = fakeSource();
  const audit = (path: string): RequestHandler => {
    return (_req, res, next) => {
      const write = (): void => void source.read(["sql:shop:public.audit"]);
      // Long after: the answer has been stored by then.
      res.once("finish", () => setTimeout(() => (path === "aside" ? untraced(write) : write()), 5));
      next();
    };
  };
  const orders = counting((runs) => source.read([ORDERS], async () => runs));
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/plain", audit("plain"), cached(responses), orders.handler);
    app.get("/aside", audit("aside"), cached(responses), orders.handler);
  });
  await it.get("/plain");
  await it.get("/aside");
  await until(() => it.responses.stats().late === 1);
  expect(shown(await it.get("/plain"))).toMatch(/^MISS/);
  expect(shown(await it.get("/aside"))).toMatch(/^HIT/);
  expect(details(it.notices)).toContain("it reads after its answer has ended");
});

test("requests on one connection do not see each other's traces", async () => {
  const seen: unknown[] = [];
  const handle = requests({ timing: false, compression: false });
  const server = createServer((req, res) => {
    seen.push(currentTrace());
    void handle(req as never, res as never, () => {
      seen.push(currentTrace()?.dependency().untracked);
      setTimeout(() => res.end("x"), 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  for (let times = 0; times < 3; times++) {
    await new Promise<void>((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port }, (res) => {
        res.resume();
        res.once("end", resolve);
      });
      outgoing.once("error", reject);
      outgoing.end();
    });
  }
  expect(seen).toEqual(
    Array(3)
      .fill([undefined, ["nothing was read"]])
      .flat(1),
  );
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("what was read while its source was not ready is given once, and neither kept nor reported", async () => {
  const source = fakeSource();
  let ready = false;
  const orders = counting(async (runs) => {
    if (ready) await source.read([ORDERS]);
    else currentTrace()?.untracked("nothing tells what changes", "passing");
    return runs;
  });
  await using it = await startTracked({ source }, (app, responses) => {
    app.get("/x", cached(responses, { ttlMs: 10_000 }), orders.handler);
  });
  const first = await it.get("/x");
  expect(shown(first)).toBe("MISS 1");
  expect(first.headers["cache-status"]).toBe("hasten; fwd=uri-miss; detail=untracked");
  expect(shown(await it.get("/x"))).toBe("MISS 2");
  ready = true;
  expect(shown(await it.get("/x"))).toBe("MISS 3");
  expect(shown(await it.get("/x"))).toBe("HIT 3");
  expect(it.notices).toEqual([]);
});
