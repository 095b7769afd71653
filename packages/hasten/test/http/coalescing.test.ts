// http.md §6, tests 3 and 4: stampedes, leaders that fail or leave, and writes during reads.
import { AsyncLocalStorage } from "node:async_hooks";
import { cached, invalidates, problems } from "hasten/express";
import { expect, test } from "vitest";
import { type Answer, gate, later, startApp, until } from "./app.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test("200 callers of a cold route run its handler once and get the same answer", async () => {
  let runs = 0;
  let arrived = 0;
  await using it = await startApp((app, responses) => {
    app.use((_req, _res, next) => {
      arrived += 1;
      next();
    });
    app.get("/slow", cached(responses), async (_req, res) => {
      runs += 1;
      await until(() => arrived === 200);
      res.json({ runs });
    });
  });
  const answers = await Promise.all(range(200).map(() => it.get("/slow")));
  expect(runs).toBe(1);
  expect(new Set(answers.map((answer) => answer.text))).toEqual(new Set(['{"runs":1}']));
  const collapsed = answers.filter((a) => String(a.headers["cache-status"]).includes("collapsed"));
  expect(collapsed).toHaveLength(199);
  expect((await it.get("/slow")).headers["x-cache"]).toBe("HIT");
});

test("callers whose leader fails each get an answer of their own, a bounded number at once", async () => {
  let runs = 0;
  let running = 0;
  let runningMax = 0;
  await using it = await startApp(
    (app, responses) => {
      app.get("/fails", cached(responses), async () => {
        runs += 1;
        running += 1;
        runningMax = Math.max(runningMax, running);
        await later(5);
        running -= 1;
        throw new Error(`failure ${runs}`);
      });
      app.use(problems());
    },
    { releasedMax: 8 },
  );
  const answers = await Promise.all(range(60).map(() => it.get("/fails")));
  expect(answers.every((a) => a.status === 500 && JSON.parse(a.text).status === 500)).toBe(true);
  expect(runs).toBe(60);
  // Besides those released, one that came later and leads the next flight.
  expect(runningMax).toBeLessThanOrEqual(9);
  await it.get("/fails");
  expect(runs).toBe(61);
});

test("callers of a route that cannot be shared stop waiting for one another", async () => {
  let runs = 0;
  const first = gate();
  await using it = await startApp((app, responses) => {
    app.get("/own", cached(responses), async (_req, res) => {
      runs += 1;
      if (runs === 1) await first.opened;
      res.set("Cache-Control", "private").json({ runs });
    });
  });
  const waiting = range(10).map(() => it.get("/own"));
  await until(() => runs === 1);
  first.open();
  const answers = await Promise.all(waiting);
  expect(new Set(answers.map((a) => a.text)).size).toBe(10);
  // Marked: the next ones do not even begin to wait.
  const started = runs;
  await Promise.all([it.get("/own"), it.get("/own")]);
  expect(runs).toBe(started + 2);
});

test("a leader whose client leaves still fills the cache for those who wait", async () => {
  let runs = 0;
  const slow = gate();
  await using it = await startApp((app, responses) => {
    app.get("/slow", cached(responses), async (_req, res) => {
      runs += 1;
      await slow.opened;
      res.json({ runs });
    });
  });
  const leaving = new AbortController();
  const leader = it.ask("/slow", { signal: leaving.signal }).catch((error: Error) => error);
  await until(() => runs === 1);
  const waiter = it.get("/slow");
  leaving.abort();
  expect(await leader).toBeInstanceOf(Error);
  await later(20);
  slow.open();
  expect((await waiter).text).toBe('{"runs":1}');
  expect((await it.get("/slow")).headers["x-cache"]).toBe("HIT");
  expect(runs).toBe(1);
});

test("a caller waits at most coalesceWaitMs for another's handler", async () => {
  let runs = 0;
  const stuck = gate();
  await using it = await startApp(
    (app, responses) => {
      app.get("/slow", cached(responses), async (_req, res) => {
        runs += 1;
        if (runs === 1) await stuck.opened;
        res.json({ runs });
      });
    },
    { coalesceWaitMs: 30 },
  );
  const leader = it.get("/slow");
  await until(() => runs === 1);
  expect((await it.get("/slow")).text).toBe('{"runs":2}');
  stuck.open();
  await leader;
});

test("callers of different variants coalesce by variant once the entry tells what it varies on", async () => {
  const runs: string[] = [];
  await using it = await startApp((app, responses) => {
    app.get("/v", cached(responses), async (req, res) => {
      const language = String(req.headers["accept-language"]);
      runs.push(language);
      await later(20);
      res.vary("Accept-Language").send(language);
    });
  });
  const languages = range(40).map((index) => ["en", "de", "fr", "it"][index % 4]!);
  const answers = await Promise.all(
    languages.map((language) => it.get("/v", { "accept-language": language })),
  );
  expect(answers.map((answer) => answer.text)).toEqual(languages);
  expect(runs.sort()).toEqual(["de", "en", "fr", "it"]);
});

test("a request that waited runs its handler in its own asynchronous context", async () => {
  const context = new AsyncLocalStorage<string>();
  const slow = gate();
  let runs = 0;
  await using it = await startApp(
    (app, responses) => {
      app.use((req, _res, next) => context.run(String(req.headers["x-trace"]), next));
      app.get("/own", cached(responses), async (_req, res) => {
        runs += 1;
        if (runs === 1) await slow.opened;
        res.set("Cache-Control", "private").json({ trace: context.getStore() });
      });
    },
    { releasedMax: 2 },
  );
  const answers = range(12).map((index) => it.get("/own", { "x-trace": `t${index}` }));
  await until(() => runs === 1);
  await later(50);
  slow.open();
  const traces = (await Promise.all(answers)).map((answer) => JSON.parse(answer.text).trace);
  expect(traces).toEqual(range(12).map((index) => `t${index}`));
});

test("two scopes never wait for one another", async () => {
  let runs = 0;
  const slow = gate();
  await using it = await startApp((app, responses) => {
    const scope = (req: { headers: Record<string, unknown> }): string => String(req.headers["x-t"]);
    app.get("/slow", cached(responses, { scope }), async (req, res) => {
      runs += 1;
      await slow.opened;
      res.json({ tenant: req.headers["x-t"] });
    });
  });
  const both = [it.get("/slow", { "x-t": "a" }), it.get("/slow", { "x-t": "b" })];
  await until(() => runs === 2);
  slow.open();
  expect((await Promise.all(both)).map((a) => JSON.parse(a.text).tenant)).toEqual(["a", "b"]);
});

test("a read that began before a write never answers readers that come after it", async () => {
  let value = 1;
  const slow = gate();
  let reads = 0;
  await using it = await startApp((app, responses) => {
    app.get("/v", cached(responses, { tags: ["v"] }), async (_req, res) => {
      reads += 1;
      const seen = value;
      if (reads === 1) await slow.opened;
      res.json({ value: seen });
    });
    app.put(
      "/other",
      invalidates(responses, () => ({ tags: ["v"] })),
      (_req, res) => {
        value = 2;
        res.status(204).end();
      },
    );
  });
  const early = it.get("/v");
  await until(() => reads === 1);
  await it.ask("/other", { method: "PUT" });
  const after = it.get("/v");
  slow.open();
  expect((await early).text).toBe('{"value":1}');
  expect((await after).text).toBe('{"value":2}');
  expect((await it.get("/v")).text).toBe('{"value":2}');
});

test("in 1,000 random interleavings no reader that starts after a write sees what was before", async () => {
  let value = 0;
  let seed = 20_260_101;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  const pause = async (): Promise<void> => {
    for (let turns = random(6); turns > 0; turns--) await new Promise(setImmediate);
  };
  await using it = await startApp((app, responses) => {
    app.get("/v", cached(responses, { tags: ["v"] }), async (_req, res) => {
      await pause();
      const seen = value;
      await pause();
      res.json({ value: seen });
    });
    const drop = invalidates(responses, () => ({ tags: ["v"] }));
    app.put("/w", drop, async (_req, res) => {
      await pause();
      value += 1;
      await pause();
      res.json({ value });
    });
  });
  let wrong = 0;
  const read = async (): Promise<void> => {
    await pause();
    const atLeast = acknowledged;
    const answer: Answer = await it.get("/v");
    if (JSON.parse(answer.text).value < atLeast) wrong += 1;
  };
  let acknowledged = 0;
  const write = async (): Promise<void> => {
    await pause();
    const answer = await it.ask("/w", { method: "PUT" });
    acknowledged = Math.max(acknowledged, JSON.parse(answer.text).value);
  };
  for (let round = 0; round < 1_000; round++) {
    await Promise.all([read(), write(), read(), read()]);
    if (round % 4 === 0) await read();
  }
  expect(wrong).toBe(0);
  expect(acknowledged).toBe(1_000);
  expect(it.responses.stats().voided).toBeGreaterThan(0);
  expect(it.responses.stats().hits).toBeGreaterThan(0);
}, 60_000);
