/** What the scripts promise of the server itself: lifetimes, limits, other types, a cluster. */
import { once } from "node:events";
import { createServer } from "node:net";
import { openLink, type RedisLink } from "hasten/redis";
import { startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  encodeInvalidated,
  encodeWake,
  entryName,
  judgeLog,
  leaseName,
  tagName,
} from "../../../src/cache/shared/protocol/index.ts";
import type { ClockRecord, InvalidatedNames } from "../../../src/cache/shared/protocol/types.ts";
import { entryOf, type TestShard, testShard } from "./shard.ts";

let server: Awaited<ReturnType<typeof startRedis>>;
let link: RedisLink;
beforeAll(async () => {
  server = await startRedis();
  link = openLink(server.url);
  await link.ready();
});
afterAll(async () => {
  await link.close();
  await server.stop();
});

const NONE = { keys: [], tags: [], prefixes: [] } as const;
const body = (part: InvalidatedNames): Buffer => encodeInvalidated("me", part);

async function begun(on: RedisLink = link): Promise<{ shard: TestShard; clock: ClockRecord }> {
  const shard = testShard(on);
  return { shard, clock: await shard.calls.renew(undefined) };
}

function fillOf(key: string, clock: ClockRecord, tags: readonly string[], keepMs = 60_000) {
  const entry = entryOf("v", tags);
  return { key, capture: clock, entry, keepMs, holder: undefined, wake: encodeWake([key]) };
}

const leftMs = async ({ space }: TestShard, name: string): Promise<number> =>
  Number(await link.call(["PTTL", space + name]));

test("records outlive the entries that use them, and then go", async () => {
  const { shard, clock } = await begun();
  const { calls } = shard;
  await calls.fill(fillOf("u:1", clock, ["t"], 60_000));
  expect(await leftMs(shard, tagName("t"))).toBeGreaterThan(60_000);
  expect(await leftMs(shard, tagName("t"))).toBeLessThanOrEqual(75_000);
  expect(await leftMs(shard, "p:u:")).toBeGreaterThan(60_000);
  // A shorter one leaves it; a longer one extends it.
  await calls.fill(fillOf("u:2", clock, ["t"], 1_000));
  expect(await leftMs(shard, tagName("t"))).toBeGreaterThan(60_000);
  await calls.fill(fillOf("u:3", clock, ["t"], 600_000));
  expect(await leftMs(shard, tagName("t"))).toBeGreaterThan(600_000);
  // Being invalidated changes neither.
  await calls.invalidate({ ...NONE, how: "deleted", tags: ["t", "unused"], body });
  expect(await leftMs(shard, tagName("t"))).toBeGreaterThan(600_000);
  expect(await leftMs(shard, tagName("unused"))).toBe(-2);
  await calls.fill(fillOf("u:4", (await calls.confirm(0, 1)).clock!, ["brief"], 40));
  await expect.poll(() => leftMs(shard, tagName("brief"))).toBe(-2);
});

test("an evicted record that is made again voids no entry that is still valid", async () => {
  const { shard, clock } = await begun();
  const { calls, space } = shard;
  await calls.fill(fillOf("a", clock, ["t"]));
  const later = await calls.invalidate({ ...NONE, how: "deleted", keys: ["other"], body });
  await link.call(["DEL", space + tagName("t")]);
  expect((await calls.readFull("a")).kind).toBe("absent");
  await calls.fill(fillOf("b", later.clock, ["t"]));
  expect((await calls.readFull("a")).kind).toBe("found");
  // But one that was deleted meanwhile stays so.
  const deleted = await calls.invalidate({ ...NONE, how: "deleted", tags: ["t"], body });
  await link.call(["DEL", space + tagName("t")]);
  await calls.fill(fillOf("c", deleted.clock, ["t"]));
  expect((await calls.readFull("a")).kind).toBe("absent");
  expect((await calls.readFull("c")).kind).toBe("found");
});

test("thousands of names go in calls of a thousand, each with an entry of the log", async () => {
  const { shard, clock } = await begun();
  const { calls } = shard;
  const keys = Array.from({ length: 1_500 }, (_, index) => `k${index}`);
  const tags = Array.from({ length: 1_200 }, (_, index) => `t${index}`);
  await calls.fill(fillOf("k1499", clock, ["t1199"]));
  await calls.fill(fillOf("z", clock, ["t1199"]));
  const answer = await calls.invalidate({ how: "deleted", keys, tags, prefixes: ["p:"], body });
  expect(answer.clock.head).toBe(3);
  const confirmed = await calls.confirm(0, 100);
  const said = confirmed.entries.map((entry) => JSON.parse(String(entry.body)) as unknown[][]);
  expect(said.flatMap((one) => one[2])).toEqual(keys);
  expect(said.flatMap((one) => one[3])).toEqual(tags);
  expect(said.flatMap((one) => one[4])).toEqual(["p:"]);
  expect((await calls.readFull("k1499")).kind).toBe("absent");
  expect((await calls.readFull("z")).kind).toBe("absent");
});

test("the log: what continues, what is a gap", async () => {
  const { shard, clock } = await begun();
  const { calls, space } = shard;
  const at = (position: number) => ({ epoch: clock.epoch, position });
  const judge = async (position: number, countMax = 100) =>
    judgeLog(await calls.confirm(position, countMax), at(position));
  for (const key of ["a", "b", "c"])
    await calls.invalidate({ ...NONE, how: "deleted", keys: [key], body });
  expect(await judge(3)).toEqual({ kind: "continues", entries: [], complete: true });
  expect(await judge(1)).toMatchObject({ kind: "continues", complete: true });
  expect(await judge(0, 2)).toMatchObject({ kind: "continues", complete: false });
  expect((await judge(4)).kind).toBe("gap");
  await link.call(["XTRIM", `${space}log`, "MAXLEN", "1"]);
  expect((await judge(2)).kind).toBe("continues");
  expect((await judge(1)).kind).toBe("gap");
  await link.call(["DEL", `${space}log`]);
  expect((await judge(2)).kind).toBe("gap");
  expect((await judge(3)).kind).toBe("continues");
  await calls.invalidate({ ...NONE, how: "deleted", keys: ["d"], body });
  expect((await judge(2)).kind).toBe("gap");
  expect((await judge(3)).kind).toBe("continues");
  const other = await calls.renew(clock.epoch);
  expect(other.epoch).not.toBe(clock.epoch);
  expect((await judge(0)).kind).toBe("gap");
  await link.call(["DEL", `${space}clk`]);
  expect((await judge(0)).kind).toBe("gap");
});

test("a lease: one holder, who waits is woken, a delete frees it", async () => {
  const { shard } = await begun();
  const { calls } = shard;
  const ask = (holder: string) => calls.lease({ key: "a", holder, leaseMs: 60_000, declared: [] });
  expect(await ask("h1")).toMatchObject({ mine: true, read: { kind: "absent" } });
  const theirs = await ask("h2");
  expect(theirs.mine).toBe(false);
  expect(theirs.leftMs).toBeGreaterThan(50_000);
  expect(await calls.extend("a", "h2", 1_000)).toBe(false);
  expect(await calls.release("a", "h2", encodeWake(["a"]))).toBe(false);
  expect(await calls.extend("a", "h1", 120_000)).toBe(true);
  expect((await ask("h2")).leftMs).toBeGreaterThan(60_000);
  expect(await calls.release("a", "h1", encodeWake(["a"]))).toBe(true);
  expect(String((await calls.confirm(0, 10)).entries[0]?.body)).toBe('{"w":["a"]}');
  expect((await ask("h2")).mine).toBe(true);
  await calls.invalidate({ ...NONE, how: "deleted", keys: ["a"], body });
  expect((await ask("h3")).mine).toBe(true);
  expect(await calls.extend("a", "h3", 1)).toBe(true);
  await expect.poll(() => leftMs(shard, leaseName("a"))).toBe(-2);
});

test("a counter keeps its expiry and its tags, and begins again once invalidated", async () => {
  const { shard, clock } = await begun();
  const { calls } = shard;
  const add = (by: number, keepMs = 60_000) =>
    calls.increment({ key: "n", by, entry: entryOf("", ["t"], 2), keepMs, body: encodeWake([]) });
  expect(await add(1)).toMatchObject({ kind: "added", value: 1 });
  expect(await add(0.1, 600_000)).toMatchObject({ value: 1.1 });
  expect(await leftMs(shard, entryName("n"))).toBeLessThanOrEqual(60_000);
  expect(await add(1e21)).toMatchObject({ value: 1e21 });
  expect(await add(Number.MAX_VALUE)).toMatchObject({ value: Number.MAX_VALUE });
  expect(await add(Number.MAX_VALUE)).toEqual({ kind: "notNumber" });
  await calls.invalidate({ ...NONE, how: "expired", tags: ["t"], body });
  expect(await add(-2)).toMatchObject({ value: -2 });
  expect(await calls.readDeclared("n", ["t"])).toMatchObject({ kind: "found", fresh: true });
  shard.redisNowMs = Number.POSITIVE_INFINITY;
  expect((await calls.readDeclared("n", ["t"])).kind).toBe("absent");
  expect((await calls.fill(fillOf("n", clock, ["t"]))).kind).toBe("refused");
});

test("what a node leaves is compared and set, by time where that is wanted", async () => {
  const { shard, clock } = await begun();
  const { calls } = shard;
  const leave = (
    expected: string | undefined,
    record: string | undefined,
    onlyIfOver = false,
    leaseMs = 60_000,
  ) =>
    calls.leave({
      source: "sql:\ud800",
      expected,
      record,
      leaseMs,
      onlyIfOver,
      wake: encodeWake([]),
    });
  expect(await leave(undefined, "a b")).toEqual({ kind: "left" });
  expect(await leave(undefined, "c")).toEqual({ kind: "other", record: "a b", over: false });
  expect(await leave("a b", "c", true)).toEqual({ kind: "other", record: "a b", over: false });
  expect(await leave("a b", "c", false, 1)).toEqual({ kind: "left" });
  await expect.poll(() => leave("c", "d", true)).toEqual({ kind: "left" });
  const { sources, clock: now, redisMs } = await calls.confirm(0, 10);
  expect(sources.get("sql:\ud800")?.record).toBe("d");
  expect(sources.get("sql:\ud800")!.untilRedisMs).toBeGreaterThan(redisMs);
  expect(now?.head).toBe(3);
  expect(await leave("d", undefined)).toEqual({ kind: "left" });
  expect(await leave("d", undefined)).toEqual({ kind: "other", record: undefined, over: true });
  await leave(undefined, "e");
  await calls.renew(clock.epoch);
  expect((await calls.confirm(0, 10)).sources.size).toBe(0);
  shard.server = { runId: "another" };
  expect(await leave(undefined, "f")).toEqual({ kind: "lost" });
});

test("keys of other types do no harm", async () => {
  const { shard, clock } = await begun();
  const { calls, space } = shard;
  await calls.fill(fillOf("a", clock, ["t"]));
  for (const name of ["clk", "log", "m0", "m1", "src", "e:a", "l:a", "t:t"]) {
    await link.call(["DEL", space + name]);
    await link.call(["LPUSH", space + name, "x"]);
    expect(["absent", "lost", "found"]).toContain((await calls.readFull("a")).kind);
    await calls.confirm(0, 10);
    await calls.lease({ key: "a", holder: "h", leaseMs: 1_000, declared: [] });
    await calls.extend("a", "h", 1_000);
    const { clock: now } = await calls.invalidate({
      ...NONE,
      how: "expired",
      keys: ["a"],
      tags: ["t"],
      body,
    });
    expect(await calls.fill(fillOf("a", now, ["t"]))).toMatchObject({ kind: "stored" });
    await calls.leave({
      source: "s",
      expected: undefined,
      record: "r",
      leaseMs: 1,
      onlyIfOver: false,
      wake: undefined,
    });
    expect((await calls.readFull("a")).kind).toBe("found");
  }
});

test("scan finds this shard's keys by a glob, none of its neighbours", async () => {
  const { shard, clock } = await begun();
  const other = await begun();
  const { calls } = shard;
  for (const key of ["user:1", "user:\ud800", "post:1"]) await calls.fill(fillOf(key, clock, []));
  await other.shard.calls.fill(fillOf("user:9", other.clock, []));
  const found: string[] = [];
  let cursor = "0";
  do {
    const page = await calls.scanPage(cursor, "user:*", 100);
    found.push(...page.keys);
    cursor = page.cursor;
  } while (cursor !== "0");
  expect(found.sort()).toEqual(["user:1", "user:\ud800"]);
  expect(await calls.databaseSize()).toBeGreaterThan(3);
});

test("at the limit of its memory Redis takes invalidations and no fills", async () => {
  const full = await startRedis();
  const other = openLink(full.url);
  try {
    await other.ready();
    const { shard, clock } = await begun(other);
    const { calls } = shard;
    await calls.fill(fillOf("a", clock, ["t"]));
    await full.command("CONFIG", "SET", "maxmemory", "1");
    await expect(calls.fill(fillOf("b", clock, ["t"]))).rejects.toMatchObject({ reply: "OOM" });
    expect((await calls.readFull("a")).kind).toBe("found");
    await calls.invalidate({ ...NONE, how: "deleted", tags: ["t"], body });
    expect((await calls.readFull("a")).kind).toBe("absent");
    expect((await calls.renew(clock.epoch)).epoch).not.toBe(clock.epoch);
  } finally {
    await other.close();
    await full.stop();
  }
});

test("a cluster has all of a shard in one slot", async () => {
  const port = await lowPort();
  const node = await startRedis({ port, flags: ["--cluster-enabled", "yes"] });
  const other = openLink(node.url);
  try {
    await node.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await expect
      .poll(() => node.command("CLUSTER", "INFO"), { timeout: 20_000 })
      .toContain("cluster_state:ok");
    await other.ready();
    const { shard, clock } = await begun(other);
    const { calls } = shard;
    await calls.lease({ key: "u:1", holder: "h", leaseMs: 60_000, declared: ["t"] });
    expect((await calls.fill({ ...fillOf("u:1", clock, ["t"]), holder: "h" })).kind).toBe("stored");
    expect((await calls.readDeclared("u:1", ["t"])).kind).toBe("found");
    expect((await calls.readMany(["u:1", "u:2"])).map((one) => one.kind)).toEqual([
      "undeclared",
      "absent",
    ]);
    await calls.invalidate({
      ...NONE,
      how: "deleted",
      keys: ["u:1"],
      tags: ["t"],
      prefixes: ["u:"],
      body,
    });
    expect((await calls.readFull("u:1", ["t"])).kind).toBe("absent");
  } finally {
    await other.close();
    await node.stop();
  }
});

/** A cluster's nodes talk on their port and 10,000, so it must be low. */
async function lowPort(): Promise<number> {
  // The bus takes the port 10,000 above: both below those that connections are given.
  for (let port = 11_000 + (process.pid % 9_000); ; port++) {
    const probe = createServer();
    probe.listen(port, "127.0.0.1");
    const won = await Promise.race([
      once(probe, "listening").then(() => true),
      once(probe, "error").then(() => false),
    ]);
    probe.close();
    if (won) return port;
  }
}

test("an answer that the protocol does not have is an error with a code", async () => {
  const { shard, clock } = await begun();
  const broken = testShard({
    ...link,
    server: link.server,
    call: async () => "OK",
    script: async () => ["surprise"],
  } as unknown as RedisLink);
  const unexpected = { code: "HST_REDIS_REPLY" };
  const { calls } = broken;
  await expect(calls.readDeclared("a")).rejects.toMatchObject(unexpected);
  await expect(calls.readFull("a")).rejects.toMatchObject(unexpected);
  await expect(calls.readMany(["a"])).rejects.toMatchObject(unexpected);
  await expect(calls.fill(fillOf("a", clock, []))).rejects.toMatchObject(unexpected);
  await expect(calls.invalidate({ ...NONE, how: "deleted", body })).rejects.toMatchObject(
    unexpected,
  );
  await expect(calls.confirm(0, 1)).rejects.toMatchObject(unexpected);
  await expect(calls.renew("")).rejects.toMatchObject(unexpected);
  await expect(calls.release("a", "h", encodeWake([]))).rejects.toMatchObject(unexpected);
  await expect(calls.scanPage("0", "*", 1)).rejects.toMatchObject(unexpected);
  expect(shard.space).not.toBe(broken.space);
});
