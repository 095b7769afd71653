import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { channels } from "../core/channels.ts";
import { createDatabase, type Database, sql } from "./index.ts";

let target: TestDatabase;
let db: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 4 } });
  await db.execute(
    sql`create table thing (id int8 primary key, code uuid unique, grp int, name text)`,
  );
  await db.execute(sql`
    insert into thing select n, md5(n::text)::uuid, n % 10, 'name ' || n
    from generate_series(1, 1000) as n`);
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
interface Thing {
  readonly id: string;
  readonly name: string;
}

describe("byIds", () => {
  test("reads many ids in one statement, in the order asked for, each once, absent ones absent", async () => {
    const before = db.stats().count;
    const found = await db.byIds<Thing>("thing", "id", [7, 3, 9_999, 7, 1]);
    expect([...found.keys()]).toEqual([7, 3, 1]);
    expect(found.get(3)).toMatchObject({ id: "3", name: "name 3" });
    expect(Object.keys(found.get(3)!)).toEqual(["id", "code", "grp", "name"]);
    expect(db.stats().count - before).toBe(1);
  });

  test("text, bigint and uuid ids are found under the id as given, whatever its case", async () => {
    expect((await db.byIds<Thing>("thing", "id", [5n])).get(5n)?.name).toBe("name 5");
    const { code } = (await db.queryOne<{ code: string }>(
      sql`select code from thing where id = 8`,
    ))!;
    const upper = code.toUpperCase();
    const found = await db.byIds<Thing>(["public", "thing"], "code", [upper], {
      columns: ["name"],
    });
    expect(found.get(upper)).toEqual({ name: "name 8" });
  });

  test("a text id keeps its case, also where it looks like a uuid", async () => {
    const lower = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    const upper = lower.toUpperCase();
    await db.execute(sql`create table label (id text primary key)`);
    await db.execute(sql`insert into label values (${upper})`);
    expect([...(await db.byIds("label", "id", [lower, upper])).entries()]).toEqual([
      [upper, { id: upper }],
    ]);
    await db.execute(sql`update label set id = ${lower}`);
    expect([...(await db.byIds("label", "id", [upper, lower])).keys()]).toEqual([lower]);
  });

  test("more ids than fit are read in several statements", async () => {
    const before = db.stats().count;
    const ids = Array.from({ length: 1_000 }, (_, n) => 1_000 - n);
    const found = await db.byIds<Thing>("thing", "id", ids, { idsPerStatement: 300 });
    expect([...found.keys()]).toEqual(ids);
    expect(db.stats().count - before).toBe(4);
  });

  test("none asks nothing; a column that is not unique is refused; so are too many ids", async () => {
    const before = db.stats().count;
    expect((await db.byIds("thing", "id", [])).size).toBe(0);
    expect(db.stats().count).toBe(before);
    expect((await failure(db.byIds("thing", "grp", [1]))).code).toBe("HST_PG_ROWS");
    expect((await failure(db.byIds("thing", "id", Array(1_000_001).fill(1)))).code).toBe(
      "HST_PG_OPTION",
    );
  });

  test("hostile names and ids stay data", async () => {
    expect((await failure(db.byIds('thing"; drop table thing; --', "id", [1]))).code).toBe(
      "HST_PG_STATEMENT",
    );
    const hostile = ["'}; drop table thing; --", 'a","b', "NULL", "\\"];
    expect((await db.byIds("thing", "name", hostile)).size).toBe(0);
    expect(await db.queryOne(sql`select count(*)::int as n from thing`)).toEqual({ n: 1000 });
  });
});

describe("executeMany", () => {
  const insert = (n: number) => sql`insert into thing (id, name) values (${n}, ${`new ${n}`})`;

  test("sends 250 sets in three round trips and one transaction", async () => {
    const result = await db.executeMany(
      Array.from({ length: 250 }, (_, n) => 2_000 + n),
      insert,
    );
    expect(result).toEqual({ statements: 250, rowCount: 250, roundTrips: 3 });
    const row = await db.queryOne(
      sql`select count(*)::int as n, count(distinct xmin::text)::int as x from thing where id >= 2000`,
    );
    expect(row).toEqual({ n: 250, x: 1 });
  });

  test("keeps all or nothing, and names the failed statement without its values", async () => {
    const error = await failure(db.executeMany([5_000, 5_001, 5_000, 5_002], insert));
    expect(error).toMatchObject({ sqlstate: "23505" });
    expect(error.message).not.toContain("new 5000");
    const left = sql`select count(*)::int as n from thing where id >= 5000`;
    expect(await db.queryOne(left)).toEqual({ n: 0 });
    expect(db.stats().pool.active).toBe(0);
  });

  test("takes an endless source only as far as its chunk, and stops at an abort", async () => {
    const stop = new AbortController();
    let taken = 0;
    function* endless() {
      for (;;) {
        if (++taken === 250) stop.abort();
        yield 10_000 + taken;
      }
    }
    const error = await failure(db.executeMany(endless(), insert, { signal: stop.signal }));
    expect(error.code).toBe("HST_PG_ABORTED");
    expect(taken).toBeLessThanOrEqual(300);
    expect(await db.queryOne(sql`select count(*)::int as n from thing where id > 10000`)).toEqual({
      n: 0,
    });
  });

  test("is bounded by its time-out; the connection is destroyed and nothing stays", async () => {
    const slow = (n: number) => sql`select pg_sleep(${0.05}), ${n}::int`;
    const error = await failure(
      db.executeMany([1, 2, 3, 4, 5, 6, 7, 8, 9], slow, { timeoutMs: 100 }),
    );
    expect(error.code).toBe("HST_PG_TIMEOUT");
    await expect.poll(() => db.stats().pool.active).toBe(0);
    expect(await db.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
  });

  test("works one by one with a driver that cannot pipeline", async () => {
    await using plain = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    plain.pool.on("connect", (client) => void delete (client as { pipeline?: boolean }).pipeline);
    const result = await plain.executeMany([1, 2, 3], (n) => sql`select ${n}::int`);
    expect(result).toMatchObject({ statements: 3, rowCount: 3 });
  });
});

test("statement events are published without values", async () => {
  const seen: unknown[] = [];
  const listen = (event: unknown): void => void seen.push(event);
  channels.postgresQuery.subscribe(listen);
  await db.query(sql`select ${"canary"}::text as x`);
  channels.postgresQuery.unsubscribe(listen);
  expect(seen).toMatchObject([{ statement: "select $n::text as x", rows: 1, ok: true }]);
  expect(JSON.stringify(seen)).not.toContain("canary");
});
