import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually, exec } from "../../coherence/shop.ts";
import { type Shop, world } from "./world.ts";

const ROW = "select version from items where id = 1";
const OTHER = "select version from items where id = 2";

async function warm(shop: Shop, text: string): Promise<void> {
  for (let at = 0; (await shop.read(text)).loaded; at++) {
    if (at > 100) throw new Error(`not kept: ${JSON.stringify(shop.coherence.status())}`);
    await delay(20);
  }
}

test("three processes have one slot; a foreign write is dropped in all, its row only", async () => {
  await using it = await world();
  const shops = [await it.open(), await it.open(), await it.open()];
  expect(shops.map(({ coherence }) => coherence.promise)).toEqual(["stream", "stream", "stream"]);
  expect(await it.slots()).toHaveLength(1);
  for (const shop of shops) for (const text of [ROW, OTHER]) await warm(shop, text);
  await exec(it.url, "update items set version = 1 where id = 1");
  const beganMs = performance.now();
  for (const shop of shops) {
    while ((await shop.read(ROW)).rows[0]!["version"] !== 1) await delay(2);
    expect((await shop.read(OTHER)).loaded).toBe(false);
  }
  expect(performance.now() - beganMs).toBeLessThan(500);
  expect(await it.slots()).toHaveLength(1);
});

test("an own write is settled in every process: the leader's and a follower's", async () => {
  await using it = await world();
  const shops = [await it.open(), await it.open()];
  for (const shop of shops) await warm(shop, ROW);
  for (let version = 1; version <= 20; version++) {
    const shop = shops[version % 2]!;
    await warm(shop, ROW);
    await shop.pool.query("update items set version = $1 where id = 1", [version]);
    expect((await shop.read(ROW)).rows).toEqual([{ version }]);
  }
});

test("the leader hands over when it closes: no trust is ended, nothing is loaded again", async () => {
  await using it = await world();
  const [first, second, third] = [await it.open(), await it.open(), await it.open()];
  for (const shop of [second, third]) await warm(shop, ROW);
  await first.close();
  expect((await second.read(ROW)).loaded).toBe(false);
  expect((await third.read(ROW)).loaded).toBe(false);
  expect(await it.slots()).toHaveLength(1);
  await exec(it.url, "update items set version = 1 where id = 1");
  await eventually(() => true);
  await delay(500);
  for (const shop of [second, third]) expect((await shop.read(ROW)).rows).toEqual([{ version: 1 }]);
  expect(
    [...second.events, ...third.events].filter(({ detail }) => detail.startsWith("gap")),
  ).toEqual([]);
});
