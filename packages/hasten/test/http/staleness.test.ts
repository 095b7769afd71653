// http.md §6, test 9: stale answers, with a clock that moves only when told to.
import { cached, problems } from "hasten/express";
import { expect, test } from "vitest";
import { manualClock } from "../../src/core/clock.ts";
import { gate, later, startApp, until } from "./app.ts";

const WINDOWS = { ttlMs: 1_000, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 30_000 };

/** A handler whose answers count up and that can be told to fail. */
function source(): { runs: number; failing: boolean; answer(): { runs: number } } {
  return {
    runs: 0,
    failing: false,
    answer() {
      this.runs += 1;
      if (this.failing) throw new Error("the database is down");
      return { runs: this.runs };
    },
  };
}

test("a stale answer is served at once while exactly one refresh runs", async () => {
  const clock = manualClock();
  const from = source();
  const slow = gate();
  await using it = await startApp(
    (app, responses) => {
      app.get("/x", cached(responses, WINDOWS), async (_req, res) => {
        const answer = from.answer();
        if (answer.runs === 2) await slow.opened;
        res.json(answer);
      });
    },
    { clock },
  );
  await it.get("/x");
  await clock.advance(2_000);
  const stale = await Promise.all([it.get("/x"), it.get("/x"), it.get("/x")]);
  for (const answer of stale) {
    expect([answer.text, answer.headers["x-cache"], answer.headers.age]).toEqual([
      '{"runs":1}',
      "STALE",
      "2",
    ]);
    expect(answer.headers["cache-status"]).toBe(
      "hasten; hit; ttl=-1; detail=stale-while-revalidate",
    );
  }
  expect(from.runs).toBe(2);
  slow.open();

  await until(() => it.responses.stats().stored === 2);
  const fresh = await it.get("/x");
  expect([fresh.text, fresh.headers["x-cache"]]).toEqual(['{"runs":2}', "HIT"]);
  expect(from.runs).toBe(2);
});

test("while refreshes fail the stale answer lasts to the end of staleIfErrorMs, then the error shows", async () => {
  const clock = manualClock();
  const from = source();
  await using it = await startApp(
    (app, responses) => {
      app.get("/x", cached(responses, WINDOWS), (_req, res) => void res.json(from.answer()));
      app.use(problems());
    },
    { clock },
  );
  await it.get("/x");
  from.failing = true;
  await clock.advance(2_000);
  expect((await it.get("/x")).headers["x-cache"]).toBe("STALE");
  await until(() => it.responses.stats().refreshesFailed === 1);
  await clock.advance(28_900);
  const last = await it.get("/x");
  expect([last.status, last.text, last.headers["x-cache"]]).toEqual([200, '{"runs":1}', "STALE"]);
  expect(last.headers["cache-status"]).toContain("detail=stale-if-error");
  await clock.advance(200);
  const over = await it.get("/x");
  expect([over.status, over.headers["content-type"]]).toEqual([500, "application/problem+json"]);
});

test("after a failure stale is served without asking again until retryAfterMs has passed", async () => {
  const clock = manualClock();
  const from = source();
  await using it = await startApp(
    (app, responses) => {
      const options = { ttlMs: 1_000, graceMs: 3_600_000 };
      app.get("/x", cached(responses, options), (_req, res) => void res.json(from.answer()));
      app.use(problems());
    },
    { clock, retryAfterMs: 1_000 },
  );
  await it.get("/x");
  from.failing = true;
  await clock.advance(60_000);
  for (let times = 0; times < 5; times++) {
    const answer = await it.get("/x");
    expect([answer.status, answer.text]).toEqual([200, '{"runs":1}']);
    expect(answer.headers["x-cache"]).toBe("STALE");
  }
  expect(from.runs).toBe(2);
  await clock.advance(1_000);
  await it.get("/x");
  expect(from.runs).toBe(3);
  from.failing = false;
  await clock.advance(1_000);
  expect((await it.get("/x")).text).toBe('{"runs":4}');
});

test("a stale answer that replaces an error shows nothing of the error", async () => {
  const clock = manualClock();
  let failing = false;
  await using it = await startApp(
    (app, responses) => {
      app.use((_req, res, next) => {
        res.set("X-Frame-Options", "DENY");
        next();
      });
      app.get("/x", cached(responses, { ttlMs: 1_000, graceMs: 60_000 }), (_req, res) => {
        if (failing) {
          res.writeHead(503, "Down", {
            "Retry-After": "5",
            "X-Secret": "1",
            "X-Frame-Options": "NONE",
          });
          res.write("half ");
          res.end("an error");
        } else res.json({ ok: true });
      });
    },
    { clock },
  );
  await it.get("/x");
  failing = true;
  await clock.advance(5_000);
  const answer = await it.get("/x");
  expect([answer.status, answer.text]).toEqual([200, '{"ok":true}']);
  expect(answer.headers["x-secret"]).toBeUndefined();
  expect(answer.headers["retry-after"]).toBeUndefined();
  expect(answer.headers["x-frame-options"]).toBe("DENY");
});

test("must-revalidate forbids both kinds of stale", async () => {
  const clock = manualClock();
  const from = source();
  await using it = await startApp(
    (app, responses) => {
      app.get("/x", cached(responses, WINDOWS), (_req, res) => {
        res.set("Cache-Control", "max-age=1, must-revalidate").json(from.answer());
      });
      app.use(problems());
    },
    { clock },
  );
  await it.get("/x");
  await clock.advance(2_000);
  expect((await it.get("/x")).text).toBe('{"runs":2}');
  from.failing = true;
  await clock.advance(2_000);
  expect((await it.get("/x")).status).toBe(500);
});

test("a refresh gets a copy of the request with what middleware attached", async () => {
  const clock = manualClock();
  const seen: unknown[] = [];
  await using it = await startApp(
    (app, responses) => {
      app.use((req, _res, next) => {
        Object.assign(req, { user: { id: "u1" } });
        next();
      });
      app.get("/:name", cached(responses, { ...WINDOWS, scope: "user" }), (req, res) => {
        const { id } = (req as unknown as { user: { id: string } }).user;
        seen.push([req.method, req.originalUrl, req.params["name"], req.query["a"], id]);
        res.json({ ok: true });
      });
    },
    { clock },
  );
  await it.get("/x?a=1", { authorization: "t" });
  await clock.advance(2_000);
  await it.get("/x?a=1", { authorization: "t", "if-none-match": '"other"' });
  await until(() => it.responses.stats().stored === 2);
  expect(seen).toEqual(Array(2).fill(["GET", "/x?a=1", "x", "1", "u1"]));
});

test("a handler that touches the socket is not refreshed in the background again", async () => {
  const clock = manualClock();
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      app.get("/x", cached(responses, WINDOWS), (req, res) => {
        runs += 1;
        res.json({ runs, port: req.socket?.localPort });
      });
    },
    { clock },
  );
  await it.get("/x");
  await clock.advance(2_000);
  expect((await it.get("/x")).headers["x-cache"]).toBe("STALE");
  await until(() => it.responses.stats().refreshesFailed === 1);
  expect(it.notices[0]).toMatchObject({ kind: "not-refreshable" });
  await clock.advance(2_000);
  const next = await it.get("/x");
  expect([next.headers["x-cache"], JSON.parse(next.text).port]).toEqual(["MISS", it.port]);
});

test("a refresh that takes too long gives up, and refreshes are bounded over all keys", async () => {
  const clock = manualClock();
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      app.get("/:id", cached(responses, WINDOWS), async (_req, res) => {
        runs += 1;
        if (runs > 3) await new Promise(() => undefined);
        res.json({ runs });
      });
    },
    { clock, refreshesMax: 2, refreshTimeoutMs: 3_000, retryAfterMs: 0 },
  );
  for (const id of [1, 2, 3]) await it.get(`/${id}`);
  await clock.advance(1_500);
  for (const id of [1, 2, 3]) expect((await it.get(`/${id}`)).headers["x-cache"]).toBe("STALE");
  expect(it.responses.stats().refreshing).toBe(2);
  expect(runs).toBe(5);
  await clock.advance(3_000);
  expect(it.responses.stats()).toMatchObject({ refreshing: 0, refreshesFailed: 2 });
});

test("maxStaleMs bounds refills of a key that is written all the time", async () => {
  const clock = manualClock();
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      const options = { ttlMs: 60_000, tags: ["hot"], maxStaleMs: 1_000 };
      app.get("/hot", cached(responses, options), (_req, res) => void res.json({ runs: ++runs }));
    },
    { clock },
  );
  for (let writes = 0; writes < 20; writes++) {
    await it.get("/hot");
    await it.responses.invalidate({ tags: ["hot"] });
    await clock.advance(100);
  }
  expect(runs).toBe(2);
});

test("a key whose entries die unread is not stored for a while, and its route is reported", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/hot", cached(responses, { tags: ["hot"] }), (_req, res) => void res.json({}));
  });
  for (let writes = 0; writes < 8; writes++) {
    await it.get("/hot");
    await later(1);
    await it.responses.invalidate({ tags: ["hot"] });
  }
  expect(it.notices.filter((notice) => notice.kind === "write-hot")).toHaveLength(1);
  const left = await it.get("/hot");
  expect(left.headers).toMatchObject({
    "cache-status": "hasten; fwd=bypass; detail=write-hot",
    "cache-control": "private, no-cache",
  });
});

test("a cache that is closed lets every request through", async () => {
  let runs = 0;
  await using it = await startApp((app, responses) => {
    app.get("/x", cached(responses), (_req, res) => void res.json({ runs: ++runs }));
  });
  await it.get("/x");
  await it.responses.cache.close();
  expect((await it.get("/x")).text).toBe('{"runs":2}');
  expect((await it.get("/x")).text).toBe('{"runs":3}');
});
