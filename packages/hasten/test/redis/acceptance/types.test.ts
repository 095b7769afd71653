/**
 * Acceptance 8 (node-redis "cached replies don't mutate", FusionCache AutoClone, bentocache serialize
 * notes): what one process puts in, the other gets out alike, from either tier; what a reader does to
 * it changes nobody else's; hostile bytes and keys do no harm. Every shape: `src/cache/wire`.
 */
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { twoHosts } from "./hosts.ts";

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

const bare = Object.assign(Object.create(null) as Record<string, unknown>, { inner: 1 });
const VALUES: readonly (readonly [string, unknown])[] = [
  ["a date", new Date(1_700_000_000_123)],
  [
    "a map",
    new Map<unknown, unknown>([
      ["a", new Map([[1, new Set(["x"])]])],
      [2, null],
    ]),
  ],
  ["a set", new Set([1, "1", Number.NaN])],
  ["a big number", 2n ** 80n],
  ["bytes", Buffer.from([0, 255, 1, 128])],
  ["an array of undefined", [undefined, null, 0, -0, Number.NaN, Number.POSITIVE_INFINITY]],
  ["nested", { at: new Date(0), deep: { list: [{ big: 1n }], none: undefined } }],
  ["without a prototype", { bare }],
  ["falsy: zero", 0],
  ["falsy: empty", ""],
  ["falsy: no", false],
  ["null", null],
  ["text", "\u0000\n\ud83d\ude00 ümlaut"],
];

test.each(VALUES)("%s", async (_, value) => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  expect(await a.set("k", value)).toEqual({ kind: "applied" });
  const never = (): never => {
    throw new Error("it was not found in Redis");
  };
  const first = await b.getOrSet<unknown>("k", never);
  const second = b.getOrSet<unknown>("k", never);
  expect(first).toStrictEqual(value);
  expect(await second).toStrictEqual(value);
  expect(a.peek("k")).toStrictEqual(value);
  if (Array.isArray(value)) expect(Object.is((first as unknown[])[3], -0)).toBe(true);
});

test("what one reader does to its value no other sees", async () => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  const made = { list: [1, 2], at: new Date(5) };
  await a.set("k", made);
  made.list.push(3);
  const load = (): never => {
    throw new Error("it was not found in Redis");
  };
  const got = (await b.getOrSet<typeof made>("k", load)) as typeof made;
  expect(got.list).toEqual([1, 2]);
  try {
    got.list.push(4);
    got.at.setTime(9);
  } catch {
    // Frozen is as good.
  }
  expect(await b.getOrSet("k", load)).toEqual({ list: [1, 2], at: new Date(5) });
  expect(await a.getOrSet("k", load)).toEqual({ list: [1, 2], at: new Date(5) });
});

test("hostile names of properties leave the prototype of everything alone", async () => {
  await using hosts = await twoHosts(redis);
  const hostile = JSON.parse(
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"ok":1}',
  ) as { readonly ok: number };
  await hosts.a.set("k", hostile);
  const got = (await hosts.b.getOrSet("k", () => hostile)) as typeof hostile;
  expect(got.ok).toBe(1);
  expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test("strange keys and tags never collide or match others", async () => {
  await using hosts = await twoHosts(redis, { name: "strange:{x}*%" });
  const { a, b } = hosts;
  const keys = [
    ...["a:b", "a", "a:", ":", "*", "a*", "{", "}", "{a}", "{a}b", "a\nb", "a\u0000b", "%", "%7B"],
    ...["\ud800", "\udc00", "\ufffd", "\ud83d\ude00", "a b", "e:a", "t:a", "k:a", "clk", "log"],
  ];
  await Promise.all(keys.map((key) => a.set(key, `value of ${key}`, { tags: [`tag ${key}`] })));
  for (const key of keys) expect(await b.get(key)).toBe(`value of ${key}`);
  await b.delete("*");
  await b.delete({ tags: ["tag {a}"] });
  const gone = ["*", "{a}"];
  for (const key of keys) {
    const expected = gone.includes(key) ? undefined : `value of ${key}`;
    await expect.poll(() => a.get(key), { timeout: 1_000 }).toBe(expected);
  }
});

test("bytes that somebody else put there are a miss, and nobody is told", async () => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  await a.set("k", "good");
  const key = `hasten:1:{${a.name}}:e:k`;
  await redis.command("SETRANGE", key, "90", "\u0007\u0007\u0007");
  expect(await b.getOrSet("k", () => "loaded")).toBe("loaded");
  await redis.command("SET", `hasten:1:{${a.name}}:e:other`, "not an entry at all");
  expect(await b.getOrSet("other", () => "loaded")).toBe("loaded");
  expect(b.shared!.stats().undecodable).toBeGreaterThan(0);
});
