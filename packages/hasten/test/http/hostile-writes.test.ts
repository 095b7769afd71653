// Writers and readers that spell one resource differently, and answers that wait for invalidation.
import type { RequestHandler } from "express";
import { cached, invalidates } from "hasten/express";
import { expect, test } from "vitest";
import { gate, later, startApp, until } from "./app.ts";

test.each([
  ["a trailing slash", "/items/1/", "/items/1"],
  ["capitals", "/ITEMS/1", "/items/1"],
  ["an escape", "/items/%31", "/items/1"],
  ["the absolute form", "http://localhost/items/1", "/items/1"],
  ["the reader's trailing slash", "/items/1", "/items/1/"],
])("a write to a path spelt with %s reaches its readers", async (_name, write, read) => {
  let value = 1;
  await using it = await startApp((app, responses) => {
    app.get("/items/:id", cached(responses), (_req, res) => void res.json({ value }));
    app.put("/items/:id", invalidates(responses), (_req, res) => {
      value += 1;
      res.status(204).end();
    });
  });
  expect((await it.get(read)).text).toBe('{"value":1}');
  expect((await it.ask(write, { method: "PUT" })).status).toBe(204);
  expect((await it.get(read)).text).toBe('{"value":2}');
});

test("a place that writeHead itself names is invalidated", async () => {
  let value = 1;
  await using it = await startApp((app, responses) => {
    app.get("/items/1", cached(responses), (_req, res) => void res.json({ value }));
    app.post("/items", invalidates(responses), (_req, res) => {
      value += 1;
      res.writeHead(201, { Location: "/items/1" }).end();
    });
  });
  await it.get("/items/1");
  await it.ask("/items", { method: "POST" });
  expect((await it.get("/items/1")).text).toBe('{"value":2}');
});

test("a write that happens after the header went out is invalidated at the end", async () => {
  let value = 1;
  const committing = gate();
  let begun = false;
  await using it = await startApp((app, responses) => {
    app.get("/v", cached(responses), (_req, res) => void res.json({ value }));
    app.put("/v", invalidates(responses), async (_req, res) => {
      res.writeHead(200);
      res.write("working");
      begun = true;
      await committing.opened;
      value = 2;
      res.end();
    });
  });
  const writing = it.ask("/v", { method: "PUT" });
  await until(() => begun);
  expect((await it.get("/v")).text).toBe('{"value":1}');
  committing.open();
  await writing;
  expect((await it.get("/v")).text).toBe('{"value":2}');
});

test("an answer that waits for its invalidation cannot be replaced by a later failure", async () => {
  await using it = await startApp((app, responses) => {
    const drop = responses.cache.delete;
    const slowly = (targets: { tags: string[] }): Promise<unknown> =>
      later(20).then(() => drop(targets));
    Object.assign(responses.cache, { delete: slowly });
    const handler: RequestHandler = (_req, res) => {
      res.status(201).json({ id: 1 });
      throw new Error("after the answer");
    };
    app.post("/items", invalidates(responses), handler);
  });
  const answer = await it.ask("/items", { method: "POST" }).catch((error: Error) => error);
  // As without invalidates: the answer, or a connection that breaks. Never a 500 for what was done.
  expect(answer instanceof Error ? "broken" : answer.status).not.toBe(500);
});
