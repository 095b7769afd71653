import { expect, test } from "vitest";
import { aMetric, startFixture } from "./fixture.ts";

test("a category's statistics are calculated once, and again when one of its rows changes", async () => {
  await using api = await startFixture();
  const add = (category: string, owner: string) =>
    api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric({ category, owner }) });
  const first = await add("sales", "a");
  await add("sales", "b");
  const stats = async (category: string) =>
    (await api.call("GET", `/api/v1/metrics/stats/${category}`)).body;
  expect(await stats("sales")).toMatchObject({ category: "sales", total: 2, owners: 2 });
  expect(await stats("none of that name")).toMatchObject({ total: 0, by_tier: {} });
  const calculated = (): number => api.cache.stats().loads;
  await expect
    .poll(async () => {
      const before = calculated();
      await stats("sales");
      return calculated() - before;
    })
    .toBe(0);
  // By the API, and by somebody who knows nothing of it.
  await api.call("PATCH", `/api/v1/metrics/${first.body.id}`, {
    as: "editor",
    body: { owner: "b" },
  });
  expect(await stats("sales")).toMatchObject({ total: 2, owners: 1 });
  await api.client.query("delete from metrics where owner = 'b'");
  await expect.poll(async () => (await stats("sales")).total, { timeout: 5_000 }).toBe(0);
  expect(api.notices).toEqual([]);
});
