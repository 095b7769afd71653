import { describe, expect, test } from "vitest";
import { type Ask, type ConsoleRow, modeOf, type Shown } from "./admin.ts";
import { createPooler } from "./pooler.ts";

/** What a console of some version answers. */
function consoleOf(answers: Partial<Record<Shown, readonly ConsoleRow[]>>): Ask {
  return async (what) => answers[what] ?? [];
}
const config = (mode: string, names?: string): readonly ConsoleRow[] => [
  { key: "pool_mode", value: mode },
  ...(names === undefined ? [] : [{ key: "max_prepared_statements", value: names }]),
];
const of = { database: "shop", user: "app" };
const version = (text: string) => [{ version: `PgBouncer ${text}` }];

describe("what the console tells", () => {
  test.each([
    ["1.18.0", undefined, false],
    ["1.21.0", "0", false],
    ["1.21.0", "100", true],
    ["1.24.1", "200", true],
    ["2.0.0", "1", true],
    ["1.9.0", "5", false],
  ])("%s with %s prepared statements keeps names: %s", async (number, names, keepsNames) => {
    const ask = consoleOf({ VERSION: version(number), CONFIG: config("transaction", names) });
    expect(await modeOf(ask, of)).toEqual({ mode: "transaction", keepsNames });
  });

  test("a user's mode wins over the database's, and that over the general one", async () => {
    const rows = (name: string, mode: string | null) => [{ name, pool_mode: mode }];
    const general = { VERSION: version("1.18.0"), CONFIG: config("session") };
    const mode = async (more: Parameters<typeof consoleOf>[0]) =>
      (await modeOf(consoleOf({ ...general, ...more }), of)).mode;
    expect(await mode({})).toBe("session");
    expect(await mode({ DATABASES: rows("shop", "transaction") })).toBe("transaction");
    expect(await mode({ DATABASES: rows("other", "transaction") })).toBe("session");
    expect(
      await mode({ DATABASES: rows("shop", "transaction"), USERS: rows("app", "session") }),
    ).toBe("session");
    // In statement mode a session is had even less.
    expect(await mode({ USERS: rows("app", "statement") })).toBe("transaction");
  });
});

describe("what follows", () => {
  const make = (mode: "detect" | "none" | "session" | "transaction", keepsNames?: boolean) => {
    const found: string[] = [];
    const pooler = createPooler(
      { mode, adminUrl: undefined, keepsNames },
      { statementTimeoutMs: 30_000, onFound: (how) => found.push(how), askAdmin: undefined },
    );
    return { pooler, found };
  };

  test("the same process number is no pooler, each new connection is asked again", () => {
    const { pooler } = make("detect");
    expect([pooler.kind, pooler.asks, pooler.sendsLimits]).toEqual(["unknown", true, true]);
    pooler.learned(7, 7);
    expect([pooler.kind, pooler.asks, pooler.keepsNames]).toEqual(["none", true, true]);
    expect(pooler.limitOf(99_000)).toBe(99_000);
    pooler.learned(7, 8);
    expect([pooler.kind, pooler.asks, pooler.sendsLimits]).toEqual(["transaction", false, false]);
    expect([pooler.keepsNames, pooler.limitOf(99_000)]).toEqual([false, 30_000]);
    // Found once is found for good.
    pooler.learned(9, 9);
    expect(pooler.kind).toBe("transaction");
  });

  test("it is told once", async () => {
    const { pooler, found } = make("detect");
    expect(pooler.refused()).toBe(true);
    pooler.learned(1, 2);
    expect(pooler.refused()).toBe(true);
    await Promise.resolve();
    expect(found).toHaveLength(1);
  });

  test("what the program says is not found out", () => {
    expect(make("none").pooler.refused()).toBe(false);
    const { pooler } = make("transaction", true);
    expect([pooler.asks, pooler.keepsNames, pooler.sendsLimits]).toEqual([false, true, false]);
    expect(make("session").pooler.status()).toMatchObject({ keepsNames: true, limits: "session" });
  });
});
