import { type FaultyProxy, faultyProxy } from "hasten/testing";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { aMetric, BOUND_MS, cacheOf, type Fixture, PASSWORD, startFixture } from "./fixture.ts";

let proxy: FaultyProxy;
let api: Fixture;
let item: string;

beforeEach(async () => {
  proxy = await faultyProxy({ port: Number(new URL(inject("postgresUrl")).port) });
  api = await startFixture({
    databaseUrl: (direct) => {
      const url = new URL(direct);
      url.port = String(proxy.port);
      return url.href;
    },
  });
  const created = await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() });
  item = `/api/v1/metrics/${created.body.id}`;
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await proxy.close();
});

function takeDown(): void {
  proxy.mode("refuse");
  proxy.cutAll();
}

/** Until the API answers by itself again: it is not restarted. */
async function recovered(path: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await api.call("GET", path, { as: "admin" })).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect.unreachable("the API did not recover within 5 s");
}

const MINUTE_MS = 60_000;

test("while the database is down what is cached is served and marked stale, for an hour past its time", async () => {
  const cached = [
    "/api/v1/metrics",
    "/api/v1/public/metrics",
    "/api/v1/metrics/stats",
    item,
    "/api/v1/me",
  ];
  const before = new Map<string, string>();
  for (const path of cached) before.set(path, (await api.call("GET", path)).text);
  takeDown();
  // Nothing proves any more that an answer is up to date: none is called a hit past the bound.
  for (const passedMs of [BOUND_MS + 1, 11 * MINUTE_MS, 44 * MINUTE_MS]) {
    api.advance(passedMs);
    for (const path of cached) {
      const answer = await api.call("GET", path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.text).toBe(before.get(path));
      expect([path, cacheOf(answer)]).toEqual([path, "STALE"]);
      expect(Number(answer.headers.get("age"))).toBeGreaterThanOrEqual(passedMs / 1_000 - 1);
    }
  }
  api.advance(20 * MINUTE_MS);
  for (const path of cached)
    expect([path, (await api.call("GET", path)).status]).toEqual([path, 503]);
  proxy.mode("pass");
  for (const path of cached) {
    await recovered(path);
    expect(["HIT", "MISS"]).toContain(cacheOf(await api.call("GET", path)));
  }
});

test("what is not cached is answered 503 with Retry-After, and works again without a restart", async () => {
  takeDown();
  const login = {
    as: "nobody",
    body: { email: "viewer@example.com", password: PASSWORD },
  } as const;
  const answers = [
    await api.call("GET", "/api/v1/metrics?limit=7"),
    await api.call("GET", "/api/v1/metrics?q=revenue"),
    await api.call("GET", "/api/v1/domains?cursor="),
    await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() }),
    await api.call("DELETE", item, { as: "editor" }),
    await api.call("POST", "/api/v1/auth/login", login),
  ];
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("content-type")).toMatch(/problem\+json/);
    expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1|postgres:/);
  }
  expect((await api.call("GET", "/healthz")).status).toBe(200);
  const ready = await api.call("GET", "/readyz");
  expect([ready.status, ready.body.database]).toEqual([503, "unavailable"]);
  const promised = async (): Promise<string> =>
    (await api.call("GET", "/readyz")).body.coherence.state;
  await expect.poll(promised, { timeout: 5_000 }).not.toBe("live");
  proxy.mode("pass");
  await recovered("/api/v1/metrics?limit=7");
  expect((await api.call("POST", "/api/v1/auth/login", login)).status).toBe(200);
  expect((await api.call("GET", "/readyz")).status).toBe(200);
  await expect.poll(promised, { timeout: 10_000 }).toBe("live");
  const { rows } = await api.client.query("select count(*)::int as metrics from metrics");
  expect(rows[0].metrics).toBe(1);
});

test("tokens are checked while the database is down", async () => {
  await api.call("GET", "/api/v1/metrics");
  takeDown();
  const fresh = await api.token(crypto.randomUUID(), "viewer");
  expect((await api.call("GET", "/api/v1/metrics", { token: fresh })).status).toBe(200);
  expect((await api.call("GET", "/api/v1/metrics", { token: "forged" })).status).toBe(401);
  expect((await api.call("GET", "/api/v1/users")).status).toBe(403);
});

test("a commit whose answer was lost is not acknowledged, says so, and nothing stale outlives it", async () => {
  await api.call("GET", item);
  await api.call("GET", "/api/v1/metrics");
  const cut = proxy.cut({ when: "request", holding: "commit", swallowAnswer: true });
  const answer = await api.call("PATCH", item, { as: "editor", body: { owner: "lost" } });
  await cut;
  expect(answer.status).toBe(503);
  expect(answer.body.detail).toContain("may or may not");
  expect((await api.call("GET", item)).body.owner).toBe("lost");
  expect((await api.call("GET", "/api/v1/metrics")).body.data[0].owner).toBe("lost");
});

test("what was written while the change stream was cut off is not missed, whoever wrote it", async () => {
  for (const path of [item, "/api/v1/public/metrics"]) {
    await api.call("GET", path);
    expect(cacheOf(await api.call("GET", path))).toBe("HIT");
  }
  takeDown();
  await api.client.query(`update metrics set document = document || '{"owner":"elsewhere"}'`);
  await new Promise((resolve) => setTimeout(resolve, BOUND_MS));
  // The rows cannot be read, so the old ones stand in, and say that they are old.
  expect(cacheOf(await api.call("GET", item))).toBe("STALE");
  proxy.mode("pass");
  // No old answer is called fresh at any moment of the recovery.
  for (let attempt = 0; ; attempt++) {
    const answers = await Promise.all(
      [item, "/api/v1/public/metrics"].map((path) => api.call("GET", path)),
    );
    for (const answer of answers)
      if (cacheOf(answer) !== "STALE") expect(answer.text).toContain("elsewhere");
    if (attempt > 50 && answers.every((answer) => cacheOf(answer) === "HIT")) break;
    expect(attempt).toBeLessThan(500);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test("a database that hangs is answered for by what is cached", async () => {
  const before = await api.call("GET", "/api/v1/metrics");
  api.advance(11 * MINUTE_MS);
  proxy.mode("black-hole");
  const startedMs = performance.now();
  const answer = await api.call("GET", "/api/v1/metrics");
  expect([answer.status, answer.text]).toEqual([200, before.text]);
  expect(cacheOf(answer)).toBe("STALE");
  expect(performance.now() - startedMs).toBeLessThan(12_000);
});
