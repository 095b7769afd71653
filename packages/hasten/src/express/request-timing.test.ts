import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import { createCache } from "hasten/cache";
import { expect, test } from "vitest";
import { channels } from "../core/channels.ts";
import { cached } from "./cached.ts";
import { createResponseCache } from "./index.ts";
import type { RequestTimingOptions } from "./request-timer.ts";
import { requestTiming } from "./request-timing.ts";

const query = (statement: string, durationMs: number): void =>
  channels.postgresQuery.publish({ statement, durationMs, rows: 1, ok: true });

const readsTwice: RequestHandler = async (_req, res) => {
  await undefined;
  query("select * from orders where id = $1", 5);
  query("update orders set total = $1", 7);
  res.json({ ok: true });
};

async function run(options: RequestTimingOptions, paths: readonly string[]) {
  const timing = requestTiming(options);
  const responses = createResponseCache({ cache: createCache() });
  const app = express();
  app.use(timing);
  app.get("/orders/:id", readsTwice);
  app.get("/cached", cached(responses), readsTwice);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answers: Response[] = [];
  for (const path of paths) {
    const res = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { connection: "close" },
    });
    await res.text();
    answers.push(res);
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  timing.close();
  return { answers, snapshot: timing.snapshot() };
}

test("requests are summed by route pattern, with their database operations by kind and model", async () => {
  const { snapshot } = await run({}, ["/orders/1", "/orders/2", "/nowhere"]);
  expect(snapshot.requests).toBe(3);
  const orders = snapshot.routes.find((route) => route.route === "/orders/:id");
  expect(orders).toMatchObject({ databaseMs: 24, databaseOperations: 4 });
  expect(orders?.operations).toEqual([
    { kind: "select", model: "orders", count: 2, durationMs: 10 },
    { kind: "update", model: "orders", count: 2, durationMs: 14 },
  ]);
  expect(snapshot.routes.map((route) => route.route)).toContain("unmatched");
  expect(snapshot.memoryBytes).toBeGreaterThan(0);
});

test("hits and misses of the response cache are counted on their route", async () => {
  const { snapshot } = await run({}, ["/cached", "/cached", "/cached"]);
  expect(snapshot.routes[0]).toMatchObject({ cacheHits: 2, cacheMisses: 1, databaseOperations: 2 });
});

test("Server-Timing is sent only where it is allowed", async () => {
  const { answers } = await run({ serverTiming: (req) => req.path !== "/cached" }, [
    "/orders/1",
    "/cached",
  ]);
  expect(answers[0]!.headers.get("server-timing")).toMatch(
    /^db;dur=12;desc="2 statements", app;dur=[\d.]+$/,
  );
  expect(answers[1]!.headers.get("server-timing")).toBeNull();
});

test("a request slower than slowMs is reported", async () => {
  const slow: number[] = [];
  let nowMs = 0;
  const clock = {
    nowMs: () => (nowMs += 800),
    wallMs: () => 0,
    schedule: () => ({ cancel: () => undefined }),
  };
  await run({ clock, slowMs: 500, onSlow: (request) => slow.push(request.durationMs) }, [
    "/cached",
  ]);
  expect(slow).toHaveLength(1);
});
