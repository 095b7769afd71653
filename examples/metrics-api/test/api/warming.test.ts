import { afterAll, beforeAll, expect, test } from "vitest";
import { startWarming } from "../../src/warming/warming.ts";
import { aMetric, cacheOf, type Fixture, startFixture } from "./fixture.ts";

let api: Fixture;
const ids: string[] = [];
const told: object[] = [];

beforeAll(async () => {
  api = await startFixture();
  for (const name of ["First", "Second", "Third"]) {
    const body = aMetric({ name });
    const created = await api.call("POST", "/api/v1/metrics", { as: "editor", body });
    ids.push(created.body.id);
  }
});
afterAll(() => api[Symbol.asyncDispose]());

const log = {
  info: (message: string, fields?: object) => void told.push({ message, ...fields }),
  warn: (message: string, fields?: object) => void told.push({ message, ...fields }),
  error: () => undefined,
};

test("lists of categories and the metrics changed last are warm, for those who may read them", async () => {
  const warmUp = startWarming({
    cache: api.cache,
    listener: api.api.listener,
    current: () => api.storage.current(),
    jwtSecret: "test-secret-".repeat(4),
    log,
    everyMs: 0,
    metricsMax: 2,
  });
  await expect.poll(() => warmUp.status().last, { timeout: 10_000 }).toBeDefined();
  expect(warmUp.status().last).toMatchObject({ done: ["lists", "metrics"], failed: [] });
  const { category } = (await api.call("GET", `/api/v1/metrics/${ids[0]}`, { as: "viewer" })).body;
  await warmUp.close();
  const from = async (path: string) => cacheOf(await api.call("GET", path, { as: "viewer" }));
  expect(await from(`/api/v1/metrics?category=${category}`)).toBe("HIT");
  expect(await from("/api/v1/metrics")).toBe("HIT");
  expect(await from(`/api/v1/metrics/${ids[2]}`)).toBe("HIT");
  expect(told).toMatchObject([{ message: "warmed" }]);
});

test("what cannot be warmed is told and stops nothing", async () => {
  told.length = 0;
  const warmUp = startWarming({
    cache: api.cache,
    listener: api.api.listener,
    current: () => api.storage.current(),
    jwtSecret: "another-secret-".repeat(4),
    log,
    everyMs: 0,
    metricsMax: 1,
  });
  await expect.poll(() => warmUp.status().last, { timeout: 10_000 }).toBeDefined();
  await warmUp.close();
  expect(warmUp.status().last!.failed.map(({ task }) => task)).toEqual(["lists", "metrics"]);
  expect(JSON.stringify(told)).toContain("401");
});
