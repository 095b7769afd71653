import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, type Database, type SlowQuery, sql, type Tx } from "./index.ts";

let target: TestDatabase;
let db: Database;
const slow: SlowQuery[] = [];
const hookErrors: unknown[] = [];
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({
    url: target.url,
    pool: { min: 0, max: 4 },
    commitHooksTimeoutMs: 100,
    onSlowQuery: (event) => void slow.push(event),
    onHookError: (error) => void hookErrors.push(error),
  });
  await db.execute(sql`create table account (id int primary key, amount int not null)`);
});
beforeEach(async () => {
  await db.execute(sql`truncate account`);
  await db.execute(sql`insert into account values (1, 100), (2, 100)`);
});
afterAll(async () => {
  await db?.drain();
  await target?.drop();
});

const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
const amount = async (id: number): Promise<number | undefined> =>
  (await db.queryOne<{ amount: number }>(sql`select amount from account where id = ${id}`))?.amount;
const add = (tx: Tx, id: number, by: number) =>
  tx.execute(sql`update account set amount = amount + ${by} where id = ${id}`);

test("work is committed as a whole and its value returned", async () => {
  const value = await db.transaction(async (tx) => {
    await add(tx, 1, -30);
    await add(tx, 2, 30);
    return "moved";
  });
  expect([value, await amount(1), await amount(2)]).toEqual(["moved", 70, 130]);
});

test("an error of the work rolls back and is thrown as it is", async () => {
  const mine = new Error("mine");
  const error = await failure(
    db.transaction(async (tx) => {
      await add(tx, 1, -30);
      throw mine;
    }),
  );
  expect(error).toBe(mine);
  expect(await amount(1)).toBe(100);
  expect(db.stats().pool.active).toBe(0);
});

test("isolation and read only reach the server", async () => {
  const read = (tx: Tx) =>
    tx.queryOne(
      sql`select current_setting('transaction_isolation') as i, current_setting('transaction_read_only') as r`,
    );
  const options = { isolation: "serializable", readOnly: true } as const;
  expect(await db.transaction(read, options)).toEqual({ i: "serializable", r: "on" });
  const error = await failure(db.transaction((tx) => add(tx, 1, 1), { readOnly: true }));
  expect(error).toMatchObject({ sqlstate: "25006" });
  const bad = { isolation: "x; drop table account" } as object;
  expect((await failure(db.transaction(read, bad))).code).toBe("HST_PG_OPTION");
  expect(db.stats().pool.active).toBe(0);
});

describe("a swallowed failure", () => {
  test("makes COMMIT a ROLLBACK, which is told", async () => {
    const error = await failure(
      db.transaction(async (tx) => {
        await add(tx, 1, 1);
        await tx.query(sql`select 1/0`).catch(() => undefined);
      }),
    );
    expect(error.code).toBe("HST_PG_ROLLED_BACK");
    expect(await amount(1)).toBe(100);
  });

  test("of a statement that nobody awaited, too", async () => {
    const error = await failure(
      db.transaction(async (tx) => {
        await add(tx, 1, 1);
        tx.query(sql`select 1/0`).catch(() => undefined);
      }),
    );
    expect(error.code).toBe("HST_PG_ROLLED_BACK");
  });
});

describe("nesting", () => {
  test("undoes only what the nested work did", async () => {
    await db.transaction(async (tx) => {
      await add(tx, 1, 1);
      const inner = tx.transaction(async (nested) => {
        await add(nested, 2, 1);
        await nested.query(sql`select 1/0`);
      });
      expect(await failure(inner)).toMatchObject({ sqlstate: "22012" });
      await tx.transaction((nested) => add(nested, 1, 1));
    });
    expect([await amount(1), await amount(2)]).toEqual([102, 100]);
  });

  test("shuts the parent until it ends", async () => {
    await db.transaction(async (tx) => {
      await tx.transaction(async () => {
        expect((await failure(add(tx, 1, 1))).code).toBe("HST_PG_TX");
      });
      await add(tx, 1, 1);
    });
    expect(await amount(1)).toBe(101);
  });
});

test("statements of a transaction run in turn, however they are called", async () => {
  await db.transaction(async (tx) => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => add(tx, 1, n)));
  });
  expect(await amount(1)).toBe(290);
});

test("a transaction that has ended refuses statements", async () => {
  let kept: Tx | undefined;
  await db.transaction(async (tx) => {
    kept = tx;
  });
  expect((await failure(kept!.query(sql`select 1`))).code).toBe("HST_PG_TX");
  expect(() => kept!.onCommit(() => undefined)).toThrow(/HST_PG_TX/);
});

describe("onCommit", () => {
  test("runs after the commit is visible to others, before transaction() resolves, and not after a rollback", async () => {
    const seen: unknown[] = [];
    await db.transaction(async (tx) => {
      tx.onCommit(async () => seen.push(await amount(1)));
      await tx
        .transaction(async (nested) => {
          nested.onCommit(() => seen.push("undone"));
          throw new Error("undo");
        })
        .catch(() => undefined);
      await tx.transaction(async (nested) => nested.onCommit(() => seen.push("nested")));
      await add(tx, 1, 5);
    });
    expect(seen.sort()).toEqual([105, "nested"]);
    await failure(
      db.transaction(async (tx) => {
        tx.onCommit(() => seen.push("never"));
        throw new Error("no");
      }),
    );
    expect(seen).toHaveLength(2);
  });

  test("cannot fail or delay a commit that stands: it is reported instead", async () => {
    hookErrors.length = 0;
    await db.transaction(async (tx) => {
      tx.onCommit(() => {
        throw new Error("hook");
      });
      tx.onCommit(() => new Promise(() => undefined));
      await add(tx, 1, 1);
    });
    expect(await amount(1)).toBe(101);
    expect(hookErrors.map((error) => (error as Error).message)).toEqual([
      "hook",
      expect.stringContaining("HST_PG_TIMEOUT"),
    ]);
  });
});

describe("time", () => {
  test("a transaction is timed, and one over its mark is reported", async () => {
    slow.length = 0;
    await db.transaction((tx) => tx.query(sql`select pg_sleep(0.12)`));
    expect(slow).toMatchObject([{ kind: "transaction", ok: true }]);
    expect(db.stats().transactions).toMatchObject({ slow: expect.any(Number) });
    expect(db.stats().transactions.count).toBeGreaterThan(0);
  });

  test("its time-out ends it even while the work waits for something else, and rolls back", async () => {
    const error = await failure(
      db.transaction(
        async (tx) => {
          await add(tx, 1, 1);
          await new Promise(() => undefined);
        },
        { timeoutMs: 100 },
      ),
    );
    expect(error.code).toBe("HST_PG_TIMEOUT");
    await expect.poll(() => amount(1)).toBe(100);
    await expect.poll(() => db.stats().pool.active).toBe(0);
  });

  test("its time-out ends it even while nested work never ends, awaited or not", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const bound = { timeoutMs: 50 };
    const awaited = failure(db.transaction((tx) => tx.transaction(never), bound));
    const left = failure(
      db.transaction(async (tx) => void tx.transaction(never).catch(() => undefined), bound),
    );
    expect((await awaited).code).toBe("HST_PG_TIMEOUT");
    expect((await left).code).toBe("HST_PG_TIMEOUT");
  });

  test("its time-out before COMMIT was sent is a time-out, not an unknown outcome", async () => {
    const work = async (tx: Tx): Promise<void> => {
      await add(tx, 1, 1);
      tx.query(sql`select pg_sleep(5)`).catch(() => undefined);
    };
    const error = await failure(db.transaction(work, { timeoutMs: 100 }));
    expect(error.code).toBe("HST_PG_TIMEOUT");
    expect(await amount(1)).toBe(100);
  });

  test("a drain that ends it before COMMIT was sent says closed, not an unknown outcome", async () => {
    const own = createDatabase({ url: target.url, pool: { min: 0 }, drainTimeoutMs: 0 });
    const drained = Promise.withResolvers<void>();
    const error = failure(
      own.transaction(async (tx) => {
        await add(tx, 1, 1);
        void own.drain().then(drained.resolve);
        await drained.promise;
      }),
    );
    expect((await error).code).toBe("HST_PG_CLOSED");
    expect(await amount(1)).toBe(100);
  });

  test("its time-out bounds all its repeats together", async () => {
    let runs = 0;
    const work = async (tx: Tx): Promise<void> => {
      runs++;
      await tx.query(sql`select pg_sleep(0.06)`);
      await tx.execute(sql`do $$ begin raise exception using errcode = '40001'; end $$`);
    };
    const error = await failure(db.transaction(work, { timeoutMs: 150, retries: 10 }));
    expect(["HST_PG_TIMEOUT", "HST_PG_STATEMENT"]).toContain(error.code);
    expect(runs).toBeLessThanOrEqual(3);
  });

  test("statementTimeoutMs holds inside it and is gone afterwards", async () => {
    const work = (tx: Tx) => tx.query(sql`select pg_sleep(5)`);
    const error = await failure(db.transaction(work, { statementTimeoutMs: 50 }));
    expect(error.code).toBe("HST_PG_TIMEOUT");
    expect(await db.queryOne(sql`select current_setting('statement_timeout') as t`)).toEqual({
      t: "30s",
    });
  });
});

describe("serialization failures", () => {
  const conflict = (retries: number): { runs: () => number; done: Promise<unknown> } => {
    let runs = 0;
    const done = db.transaction(
      async (tx) => {
        runs++;
        await tx.query(sql`select sum(amount) from account`);
        if (runs === 1)
          await db.transaction((other) => add(other, 1, 1), { isolation: "serializable" });
        await add(tx, 1, 10);
      },
      { isolation: "serializable", retries },
    );
    return { runs: () => runs, done };
  };

  test("are thrown when retries were not asked for", async () => {
    const { runs, done } = conflict(0);
    expect(await failure(done)).toMatchObject({ sqlstate: "40001" });
    expect(runs()).toBe(1);
  });

  test("repeat the whole work when asked for", async () => {
    const { runs, done } = conflict(2);
    await done;
    expect([runs(), await amount(1)]).toEqual([2, 111]);
  });
});
