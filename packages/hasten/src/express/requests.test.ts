import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { expect, test } from "vitest";
import { channels } from "../core/channels.ts";
import { systemClock } from "../core/clock.ts";
import { currentQueries, currentTrace, Trace, type TraceEnded } from "../core/trace/index.ts";
import { recordCall } from "../postgres/recording/record.ts";
import { currentTiming } from "./request-timer.ts";
import { requests } from "./requests.ts";

async function ask(listener: RequestListener, paths: readonly string[]): Promise<Response[]> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answers: Response[] = [];
  for (const path of paths) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { connection: "close" },
    });
    await answer.clone().text();
    answers.push(answer);
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return answers;
}

const text = "a line of text that is worth coding\n".repeat(100);

test("each request has one trace, with its timing on it, however often it is mounted", async () => {
  const handle = requests();
  const traces: unknown[] = [];
  const app = express();
  app.use(handle, handle, requests());
  app.get("/x", (_req, res) => {
    traces.push(currentTrace());
    expect(currentTiming()).toBe(currentTrace()?.timing);
    res.send(text);
  });
  const answers = await ask(app, ["/x", "/x"]);
  expect(answers[0]!.headers.get("content-encoding")).not.toBeNull();
  expect(new Set(traces).size).toBe(2);
  expect(traces).not.toContain(undefined);
  expect(handle.snapshot()).toMatchObject({ requests: 2, routes: [{ route: "/x" }] });
  handle.close();
});

test("a statement is credited to the request that asked for it, wherever its event comes from", async () => {
  const handle = requests();
  const app = express();
  app.use(handle);
  app.get("/x", (_req, res) => {
    const trace = currentTrace();
    // As a watched connection does: from the context of its socket, which is nobody's or another's.
    setImmediate(() => {
      channels.postgresQuery.publish({ statement: "select 1 from a", durationMs: 3, trace });
      res.end();
    });
  });
  app.get("/y", async (_req, res) => {
    channels.postgresQuery.publish({ statement: "select 1 from b", durationMs: 5 });
    res.end();
  });
  await ask(app, ["/x", "/y"]);
  channels.postgresQuery.publish({ statement: "select 1 from nobody", durationMs: 7 });
  const costs = handle.snapshot().routes.map(({ route, operations }) => [route, operations]);
  const one = { kind: "select", count: 1 };
  expect(costs).toEqual([
    ["/x", [{ ...one, model: "a", durationMs: 3 }]],
    ["/y", [{ ...one, model: "b", durationMs: 5 }]],
  ]);
  handle.close();
});

test("each part can be left out", async () => {
  const seen: boolean[] = [];
  const build = (options: Parameters<typeof requests>[0]): RequestListener => {
    const app = express();
    const handle = requests(options);
    app.use(handle);
    app.get("/x", (_req, res) => {
      seen.push(currentTrace() !== undefined, currentTiming() !== undefined);
      res.send(text);
      handle.close();
    });
    return app;
  };
  const [plain] = await ask(build({ compression: false }), ["/x"]);
  expect(plain!.headers.get("content-encoding")).toBeNull();
  await ask(build({ timing: false }), ["/x"]);
  await ask(build({ trace: false }), ["/x"]);
  await ask(build({ trace: false, timing: false, compression: false }), ["/x"]);
  expect(seen).toEqual([true, true, true, false, false, true, false, false]);
  expect(requests({ timing: false }).snapshot().requests).toBe(0);
  expect(() => requests({ timing: { slowMs: 0 } })).toThrow("slowMs");
});

test("the statements of its trace are costs of the request, once, and the end is told with the route", async () => {
  const handle = requests({ timing: { serverTiming: true } });
  const ended: TraceEnded[] = [];
  const listen = (message: unknown): void => void ended.push(message as TraceEnded);
  channels.traceEnded.subscribe(listen);
  const app = express();
  app.use(handle);
  app.get("/orders/:id", (_req, res) => {
    const trace = currentTrace()!;
    for (const id of [1, 2]) {
      const record = recordCall(systemClock, "select * from orders where id = $1", [id])!;
      Object.assign(record, { sentMs: record.calledMs + 3, endedMs: record.calledMs + 5 });
      const statement = "select * from orders where id = $n";
      channels.postgresQuery.publish({ statement, durationMs: 2, trace, recorded: true });
    }
    expect(currentQueries()?.totals().count).toBe(2);
    res.send("x");
  });
  const [answer] = await ask(app, ["/orders/7"]);
  expect(answer!.headers.get("server-timing")).toMatch(
    /^db;dur=4;desc="2 statements", wait;dur=6, app;dur=/,
  );
  expect(handle.snapshot().routes).toMatchObject([
    {
      databaseOperations: 2,
      operations: [{ kind: "select", model: "orders", count: 2, durationMs: 4 }],
    },
  ]);
  expect(ended).toMatchObject([{ kind: "request", name: "GET /orders/:id" }]);
  expect(ended[0]!.queries?.records).toHaveLength(2);
  channels.traceEnded.unsubscribe(listen);
  handle.close();
});

test("the name is known while the handler runs, to what it opens within, and not before the route is", async () => {
  const names: (string | undefined)[] = [];
  const app = express();
  app.use(requests(), (_req, _res, next) => {
    names.push(currentTrace()?.name);
    next();
  });
  app.get("/orders/:id", (_req, res) => {
    names.push(currentTrace()?.name);
    names.push(new Trace(systemClock, currentTrace()).name);
    res.end();
  });
  await ask(app, ["/orders/7?token=secret"]);
  expect(names).toEqual([undefined, "GET /orders/:id", "GET /orders/:id"]);
});
