// http.md §6, test 8: what is large, slow, endless or cut off.
import { request } from "node:http";
import type { RequestHandler } from "express";
import { cached } from "hasten/express";
import { expect, test } from "vitest";
import { later, startApp, until } from "./app.ts";

const MEGABYTE = 1024 * 1024;

test("a stream of 50 MB passes a slow reader without being kept or held back", async () => {
  const chunk = Buffer.alloc(64 * 1024, 1);
  const stream: RequestHandler = async (_req, res) => {
    res.type("txt");
    for (let sent = 0; sent < 50 * MEGABYTE; sent += chunk.length) {
      if (!res.write(chunk)) await new Promise((resolve) => res.once("drain", resolve));
    }
    res.end();
  };
  await using it = await startApp((app, responses) => {
    app.get("/plain", stream);
    app.get("/cached", cached(responses), stream);
  });
  await readSlowly(it.port, "/plain");
  const plain = await readSlowly(it.port, "/plain");
  const through = await readSlowly(it.port, "/cached");
  expect(through.received).toBe(50 * MEGABYTE);
  // Live memory of server and reader, which RSS follows but for what the allocator keeps.
  expect(through.grownBytes - plain.grownBytes).toBeLessThan(8 * MEGABYTE);
  expect(through.firstByteMs).toBeLessThan(plain.firstByteMs + 50);
  expect(it.responses.stats().stored).toBe(0);
});

async function readSlowly(
  port: number,
  path: string,
): Promise<{ received: number; grownBytes: number; firstByteMs: number }> {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const started = performance.now();
  let received = 0;
  let grownBytes = 0;
  let firstByteMs = Number.NaN;
  await new Promise<void>((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent: false }, (res) => {
      firstByteMs = performance.now() - started;
      res.on("data", (bytes: Buffer) => {
        received += bytes.length;
        if (received % (5 * MEGABYTE) >= bytes.length) return;
        res.pause();
        globalThis.gc?.();
        grownBytes = Math.max(grownBytes, kept(process.memoryUsage()) - kept(before));
        setTimeout(() => res.resume(), 5);
      });
      res.once("end", resolve);
      res.once("error", reject);
    }).end();
  });
  return { received, grownBytes, firstByteMs };
}

const kept = (usage: NodeJS.MemoryUsage): number => usage.heapUsed + usage.external;

test("an answer larger than maxEntryBytes goes out whole and is not stored", async () => {
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      app.get("/big", cached(responses), (_req, res) => {
        runs += 1;
        res.type("txt").send("x".repeat(5_000));
      });
    },
    { maxEntryBytes: 4_999 },
  );
  expect((await it.get("/big")).raw).toHaveLength(5_000);
  expect((await it.get("/big")).raw).toHaveLength(5_000);
  expect(runs).toBe(2);
});

test("the first event of an event stream arrives at once, and others do not wait for its end", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/events", cached(responses), (_req, res) => {
      res.type("text/event-stream").write("data: first\n\n");
    });
  });
  const first = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const ask = request({ host: "127.0.0.1", port: it.port, path: "/events", agent: false });
      ask.once("response", (res) => {
        res.once("data", (bytes: Buffer) => {
          resolve(String(bytes));
          ask.destroy();
        });
        res.once("error", () => undefined);
      });
      ask.once("error", reject).end();
    });
  expect(await Promise.all([first(), first()])).toEqual(["data: first\n\n", "data: first\n\n"]);
  expect(it.responses.stats().stored).toBe(0);
});

test("a streamed answer is stored when it is complete", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get("/parts", cached(responses), async (_req, res) => {
      runs += 1;
      res.type("txt").write("one ");
      await later(2);
      res.write(Buffer.from("two "));
      res.end("three");
    });
  });
  expect((await it.get("/parts")).text).toBe("one two three");
  const second = await it.get("/parts");
  expect([second.text, second.headers["x-cache"]]).toEqual(["one two three", "HIT"]);
  expect(runs).toBe(1);
});

test("an answer that is destroyed midway is an abort for the client and stores nothing", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/cut", cached(responses), (_req, res) => {
      res.set("Content-Length", "100").write("x".repeat(50));
      setTimeout(() => res.destroy(), 5);
    });
  });
  await expect(it.get("/cut")).rejects.toThrow();
  await until(() => it.responses.stats().flights === 0);
  expect(it.responses.stats().stored).toBe(0);
});

test("an answer shorter than its Content-Length stores nothing", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get("/short", cached(responses), (_req, res) => {
      runs += 1;
      res.writeHead(200, { "Content-Length": "10", Connection: "close" });
      res.end(runs === 1 ? "short" : "0123456789");
    });
  });
  await expect(it.get("/short")).rejects.toThrow();
  expect((await it.get("/short")).text).toBe("0123456789");
  expect(runs).toBe(2);
});

test("trailers and early hints belong to one response, which is not stored", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/trailer", cached(responses), (_req, res) => {
      res.set("Trailer", "X-Sum").write("body");
      res.addTrailers({ "X-Sum": "1" });
      res.end();
    });
    app.get("/hints", cached(responses), (_req, res) => {
      res.writeEarlyHints({ link: "</a.css>; rel=preload" });
      res.send("body");
    });
  });
  for (const path of ["/trailer", "/hints"]) {
    await it.get(path);
    expect((await it.get(path)).headers["x-cache"]).toBe("MISS");
  }
});

test("handlers may answer by writeHead and end in any of their forms", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/object", cached(responses), (_req, res) => {
      res.writeHead(200, "Fine", { "Content-Type": "text/plain", "X-One": "1" });
      res.end("body", "utf8", () => undefined);
    });
    app.get("/flat", cached(responses), (_req, res) => {
      res.writeHead(200, ["Content-Type", "text/plain", "Link", "<a>", "Link", "<b>"]);
      res.write("bo", () => undefined);
      res.end(() => undefined);
    });
    app.get("/empty", cached(responses), (_req, res) => void res.status(204).end());
  });
  for (const expected of ["MISS", "HIT"]) {
    const object = await it.get("/object");
    expect([object.text, object.headers["x-one"], object.headers["x-cache"]]).toEqual([
      "body",
      "1",
      expected,
    ]);
    const flat = await it.get("/flat");
    expect([flat.text, flat.headers["link"], flat.headers["x-cache"]]).toEqual([
      "bo",
      "<a>, <b>",
      expected,
    ]);
    const empty = await it.get("/empty");
    expect([empty.status, empty.headers["content-length"], empty.headers["x-cache"]]).toEqual([
      204,
      undefined,
      expected,
    ]);
  }
});
