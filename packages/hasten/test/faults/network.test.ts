/** What lies between: the network, names, passwords, TLS. */
import dns from "node:dns";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { sql } from "../../src/postgres/index.ts";
import {
  expectBreaker,
  expectFault,
  expectRecovery,
  failure,
  leavesNothing,
  quick,
  through,
} from "./world.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(() => target?.drop());
afterEach(() => {
  vi.restoreAllMocks();
});
const ask = (db: {
  query(statement: ReturnType<typeof sql>): Promise<unknown>;
}): Promise<unknown> => db.query(sql`select 1`);

describe("a network that swallows everything, without a reset", () => {
  test("ends a statement by its time-out, drops the idle connections with it, and connecting fails fast by the breaker", async () => {
    await leavesNothing(async () => {
      await using t = await through(target.url);
      await Promise.all([1, 2, 3].map(() => t.db.query(sql`select pg_sleep(0.05)`)));
      expect(t.db.stats().pool.idle).toBe(3);
      t.proxy.mode("black-hole");
      const startedMs = performance.now();
      const error = await failure(t.db.query(sql`select 'hunter2'`, { timeoutMs: 200 }));
      expect(performance.now() - startedMs).toBeLessThan(400);
      expectFault("network swallows, a statement under way", error, target.url);
      // The cancel request was swallowed, too: the others are as dead.
      await expect.poll(() => t.db.stats().pool.total).toBe(0);
      expectFault("network swallows, connecting", await failure(ask(t.db)), target.url);
      await expectBreaker("network swallows, connecting", t.db, () => ask(t.db));
      const fastMs = performance.now();
      for (let n = 0; n < 20; n++) await ask(t.db).catch(() => undefined);
      expect(performance.now() - fastMs).toBeLessThan(2_000);
      t.proxy.mode("pass");
      await expectRecovery(t.db);
    });
  }, 30_000);

  test("ends a transaction within its time-out, and a drain within its bound", async () => {
    await leavesNothing(async () => {
      const t = await through(target.url);
      const error = await failure(
        t.db.transaction(
          async (tx) => {
            await tx.query(sql`select 1`);
            t.proxy.mode("black-hole");
            await tx.query(sql`select 2`);
          },
          { timeoutMs: 300 },
        ),
      );
      expect(error.code).toBe("HST_PG_TIMEOUT");
      const startedMs = performance.now();
      await t.db.drain();
      expect(performance.now() - startedMs).toBeLessThan(2_500);
      await t.proxy.close();
    });
  });
});

test("a breaker that opened while connections were kept is closed by a check of health", async () => {
  await using t = await through(target.url);
  await ask(t.db);
  t.proxy.mode("refuse");
  const busy = t.db.query(sql`select pg_sleep(0.5)`);
  for (let n = 0; n < 3; n++) await failure(ask(t.db));
  expect(t.db.stats().pool.breaker).toBe("open");
  await busy;
  t.proxy.mode("pass");
  await ask(t.db);
  expect(t.db.stats().pool.breaker).toBe("open");
  await expect
    .poll(() => t.db.health().then(() => t.db.stats().pool.breaker), { timeout: 2_000 })
    .toBe("closed");
});

describe("a connection that cannot be made", () => {
  test("for want of the right password is not tried again, and works when the password is right", async () => {
    const right = decodeURIComponent(new URL(target.url).password);
    let password = "hunter2";
    let asked = 0;
    await using db = quick(target.url, {
      password: () => {
        asked++;
        return password;
      },
    });
    const error = await failure(ask(db));
    expectFault("wrong password", error, target.url);
    expect(error.fix).toMatch(/password/);
    expect(asked).toBe(1);
    await expectBreaker("wrong password", db, () => ask(db));
    password = right;
    await expectRecovery(db);
  });

  test("to a database that is not there", async () => {
    const url = new URL(target.url);
    url.pathname = "/nowhere";
    await using db = quick(url.href);
    const error = await failure(ask(db));
    expectFault("unknown database", error, url.href);
    expect(error.fix).toMatch(/database/);
    await expectBreaker("unknown database", db, () => ask(db));
  });

  test("because TLS is asked for and the server has none", async () => {
    await leavesNothing(async () => {
      await using db = quick(target.url, { ssl: true });
      const error = await failure(ask(db));
      expectFault("TLS asked for, the server has none", error, target.url);
      expect(error.message).toContain("TLS");
      await expectBreaker("TLS asked for, the server has none", db, () => ask(db));
    });
  });

  test("because its name is not found, until it is", async () => {
    let known = false;
    const lookup = dns.lookup.bind(dns);
    vi.spyOn(dns, "lookup").mockImplementation(((...given: unknown[]) => {
      const [host, ...rest] = given;
      if (host !== "database.test") return (lookup as (...all: unknown[]) => void)(...given);
      const done = rest.at(-1) as (error: Error | null, ...found: unknown[]) => void;
      if (known) return (lookup as (...all: unknown[]) => void)("127.0.0.1", ...rest);
      const error = Object.assign(new Error("getaddrinfo ENOTFOUND database.test"), {
        code: "ENOTFOUND",
      });
      process.nextTick(done, error);
    }) as never);
    await using db = quick(target.url, { host: "database.test" });
    const error = await failure(ask(db));
    expectFault("host name not found", error, target.url);
    expect(error.message).not.toContain("database.test");
    await expectBreaker("host name not found", db, () => ask(db));
    known = true;
    await expectRecovery(db);
  });
});

test("every connection lost at once under load: each caller is told, nothing is sent twice, and it goes on", async () => {
  await leavesNothing(async () => {
    await using t = await through(target.url, { pool: { max: 5 } });
    await t.db.execute(sql`create table sent (id int)`);
    const outcomes = new Map<string, number>();
    const confirmed = new Set<number>();
    let id = 0;
    let stop = false;
    const worker = async (): Promise<void> => {
      while (!stop) {
        const mine = ++id;
        const outcome = await t.db.execute(sql`insert into sent values (${mine})`).then(
          () => {
            confirmed.add(mine);
            return "done";
          },
          (error: { code: string }) => error.code,
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    const workers = Array.from({ length: 10 }, worker);
    for (let n = 0; n < 20; n++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      t.proxy.cutAll();
    }
    stop = true;
    await Promise.all(workers);
    await expectRecovery(t.db, "idle");
    const rows = await t.db.query<{ id: number; n: number }>(
      sql`select id, count(*)::int as n from sent group by id`,
    );
    expect(rows.filter(({ n }) => n > 1)).toEqual([]);
    const stored = new Set(rows.map((row) => row.id));
    expect([...confirmed].filter((one) => !stored.has(one))).toEqual([]);
    const kinds = [
      "HST_PG_OUTCOME_UNKNOWN",
      "HST_PG_UNAVAILABLE",
      "HST_PG_ACQUIRE_TIMEOUT",
      "done",
    ];
    expect([...outcomes.keys()].filter((kind) => !kinds.includes(kind))).toEqual([]);
    expect(outcomes.get("HST_PG_OUTCOME_UNKNOWN")).toBeGreaterThan(0);
  });
}, 30_000);
