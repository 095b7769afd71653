/** `hasten()` judges each request: what it prints, collects and tells, through HTTP. */

import type { AddressInfo } from "node:net";
import express from "express";
import { type Hasten, hasten } from "hasten/express";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { channels } from "../../../src/core/channels.ts";
import type { FindingsOptions, TraceFinding } from "../../../src/traces/index.ts";

let fresh: TestDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

interface Served {
  readonly h: Hasten;
  get(path: string): Promise<string>;
}

async function serve(findings: false | FindingsOptions | undefined): Promise<Served> {
  const h = await hasten({ postgres: fresh.url, findings, say: () => undefined });
  const app = express();
  app.use(h.requests());
  app.get("/orders/:count", async (req, res) => {
    async function loadAuthor(id: number): Promise<object> {
      const { rows } = await h.pool.query("select name from authors where id = $1", [id]);
      return rows[0] as object;
    }
    const found: object[] = [];
    for (let id = 1; id <= Number(req.params.count); id++) found.push(await loadAuthor(id));
    res.json(found);
  });
  const server = await h.listen(app, 0, { signals: false, host: "127.0.0.1" });
  const { port } = server.address() as AddressInfo;
  return { h, get: async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).text() };
}

beforeAll(async () => {
  const { h } = await serve(false);
  await h.pool.query("create table authors (id int primary key, name text)");
  await h.pool.query("insert into authors select n, 's3cret' from generate_series(1, 50) n");
  await h.close();
});

test("development prints once, with the route, the function and its lines; no value", async () => {
  const printed: string[] = [];
  const heard: TraceFinding[] = [];
  const hear = (finding: unknown): void => void heard.push(finding as TraceFinding);
  channels.traceFinding.subscribe(hear);
  const { h, get } = await serve({
    environment: "development",
    print: (text) => printed.push(text),
  });
  for (let times = 0; times < 3; times++) expect(await get("/orders/12")).toContain("s3cret");
  await vi.waitFor(() => expect(h.findings?.stats().suppressed).toBe(2));
  expect(printed).toHaveLength(1);
  expect(printed[0]).toMatch(/^hasten: N\+1 in GET \/orders\/:count/);
  expect(printed[0]).toMatch(
    /at loadAuthor \(packages\/hasten\/test\/traces\/findings\/facade\.test\.ts:\d+/,
  );
  expect(printed[0]).toMatch(/> \d+ \| +const \{ rows \} = await h\.pool\.query/);
  expect(printed[0]).not.toContain("s3cret");
  expect(heard.map(({ kind }) => kind)).toEqual(["n-plus-one"]);
  expect(h.status().findings).toMatchObject({ environment: "development", findings: 1 });
  await h.close();
  channels.traceFinding.unsubscribe(hear);
});

test("a test collects; false does nothing; wrong options are told before anything is opened", async () => {
  const { h, get } = await serve(undefined);
  await get("/orders/2");
  await get("/orders/3");
  await vi.waitFor(() => expect(h.findings?.findings()).toHaveLength(1));
  expect(h.findings?.findings()[0]).toMatchObject({ kind: "n-plus-one", count: 3 });
  await h.close();
  const none = await serve(false);
  await none.get("/orders/5");
  expect([none.h.findings, none.h.status().findings]).toEqual([undefined, undefined]);
  await none.h.close();
  await expect(hasten({ postgres: fresh.url, findings: { sample: 2 } })).rejects.toThrow(
    "HST_TRACE_OPTION",
  );
});
