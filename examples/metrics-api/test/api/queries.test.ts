/** How many statements a request takes: the same for five rows and for fifty, and none in a loop. */
import { expectQueries, noNPlusOne } from "hasten/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fixture, startFixture } from "./fixture.ts";
import { seedRows } from "./rows.ts";

let fixture: Fixture;
beforeAll(async () => {
  // Without a cache every request asks.
  fixture = await startFixture({ cache: { enabled: false } });
  await seedRows(fixture.client);
});
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

const LISTS = ["metrics", "domains", "objectives", "users", "public/metrics"].map(
  (name) => `/api/v1/${name}`,
);

const get = async (path: string): Promise<number> =>
  (await fixture.call("GET", path, { as: "admin" })).status;

describe.each(LISTS)("%s", (path) => {
  test("takes as many statements for fifty rows as for five, and none of them in a loop", async () => {
    await get(`${path}?limit=5`);
    const few = await noNPlusOne(() => get(`${path}?limit=5`));
    expect(few).toBe(200);
    await noNPlusOne(() => get(`${path}?limit=50`));
    await expectQueries(() => get(`${path}?limit=50`)).toBeBetween(1, 4);
  });
});
