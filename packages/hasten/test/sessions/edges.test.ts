/** Rights that are missing, two watches at once, and a server that goes away under the watch. */
import { randomUUID } from "node:crypto";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultyProxy } from "../../src/testing/index.ts";
import { outcomeOf, sleepMs, somebody, watched } from "./world.ts";

let target: TestDatabase;
let url: string;
beforeAll(async () => {
  target = await freshDatabase();
  url = target.url;
});
afterAll(() => target?.drop());

const POLICY = { idleInTransaction: { terminateMs: 100 } } as const;

test("two watches that decide at once end a session once", async () => {
  await using idle = await somebody(url, "shop");
  await idle.client.query("begin; select 1");
  await using one = watched({ url, applicationName: "shop", policy: POLICY });
  await using two = watched({ url, applicationName: "shop", policy: POLICY });
  await sleepMs(150);
  await Promise.all([one.looks(1), two.looks(1)]);
  await Promise.all([one.looks(2), two.looks(2)]);
  const outcomes = [...one.audits(), ...two.audits()].map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === "signalled").length).toBeGreaterThanOrEqual(1);
  expect(outcomes.filter((outcome) => outcome !== "signalled" && outcome !== "gone")).toEqual([]);
  await expect.poll(() => idle.errors.length).toBeGreaterThan(0);
});

describe("a role that sees and may not signal", () => {
  const role = `r${randomUUID().replaceAll("-", "")}`;
  const other = `o${randomUUID().replaceAll("-", "")}`;
  beforeAll(async () => {
    await using admin = await somebody(url, "setup");
    for (const name of [role, other])
      await admin.client.query(`create role ${name} login password 'p'`);
    await admin.client.query(`grant pg_read_all_stats to ${role}`);
  });
  afterAll(async () => {
    await using admin = await somebody(url, "setup");
    for (const name of [role, other]) await admin.client.query(`drop role ${name}`);
  });
  const as = (name: string): string => {
    const given = new URL(url);
    given.username = name;
    given.password = "p";
    return given.href;
  };

  test("leaves another role's sessions unless they are named, and is refused when they are", async () => {
    await using idle = await somebody(as(other), "shop");
    await idle.client.query("begin; select 1");
    const options = { url: as(role), applicationName: "shop" };
    await using own = watched({ ...options, policy: POLICY });
    await using widened = watched({ ...options, policy: { ...POLICY, roles: [other] } });
    await sleepMs(150);
    await own.looks(2);
    await widened.looks(2);
    expect(own.audits()).toMatchObject([{ outcome: "left", because: "another role" }]);
    expect(widened.audits()).toMatchObject([{ outcome: "refused" }]);
    expect(widened.sessions.status().limits.join()).toContain("grant pg_signal_backend");
    expect(await outcomeOf(idle.client.query("select 1"))).toBeUndefined();
    await using admin = await somebody(url, "setup");
    await admin.client.query(`grant pg_signal_backend to ${role}`);
    await using granted = watched({ ...options, policy: { ...POLICY, roles: [other] } });
    await sleepMs(150);
    await granted.looks(2);
    expect(granted.audits()).toMatchObject([{ outcome: "signalled" }]);
  });
});

describe("a server that goes away", () => {
  test("is told once, with why, and looked at again when it is back", async () => {
    await using proxy = await faultyProxy({ port: Number(new URL(url).port) });
    const through = new URL(url);
    through.port = String(proxy.port);
    await using watch = watched({ url: through.href });
    await watch.looks(1);
    proxy.mode("refuse");
    proxy.cutAll();
    await watch.looks(3);
    expect(watch.sessions.status()).toMatchObject({ state: "blind", because: "ECONNRESET" });
    proxy.mode("pass");
    await watch.looks(1);
    expect(watch.sessions.status()).toMatchObject({ state: "seeing", because: undefined });
    expect(watch.events.map(({ kind }) => kind)).toEqual(["blind", "seeing"]);
    await watch.sessions.close();
    await expect.poll(() => proxy.open).toBe(0);
  });

  test("into a network that swallows: a look ends within its bound", async () => {
    await using proxy = await faultyProxy({ port: Number(new URL(url).port) });
    const through = new URL(url);
    through.port = String(proxy.port);
    await using watch = watched({ url: through.href });
    await watch.looks(1);
    proxy.mode("black-hole");
    const startedMs = performance.now();
    await watch.looks(1);
    expect(performance.now() - startedMs).toBeLessThan(12_000);
    expect(watch.sessions.status().state).toBe("blind");
    proxy.mode("pass");
    await watch.looks(1);
    expect(watch.sessions.status().state).toBe("seeing");
  }, 20_000);
});
