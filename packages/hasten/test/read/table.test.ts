import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, ident, keyRing, sql } from "../../src/postgres/index.ts";

let target: TestDatabase;
let db: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 4 } });
  await db.execute(sql`create domain money_amount as numeric(30, 10)`);
  await db.execute(sql`
    create table reading (
      id int8 primary key, at timestamptz not null, site text, amount money_amount,
      code uuid not null unique, "odd name" int, flag bool)`);
  // Microseconds apart, many ties, NULLs, digits that no number of JavaScript holds.
  await db.execute(sql`
    insert into reading
    select n, timestamptz '2026-01-01' + (n / 3) * interval '1 microsecond',
      case when n % 5 = 0 then null else chr(65 + (n * 7 % 26)) || repeat('ä', n % 3) end,
      case when n % 11 = 0 then null else 12345678901234567890 + n / 4 * 0.0000000001 end,
      md5(n::text)::uuid, n % 17, n % 2 = 0
    from generate_series(1, 2500) as n`);
  await db.execute(sql`create view reading_view as select * from reading`);
});
afterAll(async () => {
  await db?.drain();
  await target?.drop();
});

interface Reading {
  readonly id: string;
}
const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
async function ids(rows: AsyncIterable<Reading>): Promise<string[]> {
  const got: string[] = [];
  for await (const row of rows) got.push(row.id);
  return got;
}

describe("streamTable", () => {
  test("gives the rows of query(), by the primary key where nothing is said", async () => {
    const got: unknown[] = [];
    const rows = db.streamTable("reading", { rowsPerPage: 400 });
    for await (const row of rows) got.push(row);
    expect(got).toEqual(await db.query(sql`select * from reading order by id`));
    expect(rows.rowCount).toBe(2_500);
    expect(db.stats().pool.active).toBe(0);
  });

  const ORDERS = [
    { by: ["at", "id"], order: sql`at, id` },
    { by: ["-at"], order: sql`at desc, id desc` },
    { by: ["site", "-amount", "code"], order: sql`site, amount desc, code` },
    {
      by: [{ column: "site", direction: "desc", nulls: "last" } as const, "flag"],
      order: sql`site desc nulls last, flag, id`,
    },
    { by: ["odd name", "-id"], order: sql`"odd name", id desc` },
  ];
  test.each(ORDERS)(
    "in the order $by, both ways, begun again after every seventh row",
    async ({ by, order }) => {
      const expected = await db.query<Reading>(sql`select id from reading order by ${order}`);
      const wanted = expected.map((row) => row.id);
      expect(await ids(db.streamTable<Reading>("reading", { by, rowsPerPage: 100 }))).toEqual(
        wanted,
      );
      const back = db.streamTable<Reading>("reading", { by, direction: "backward" });
      expect(await ids(back)).toEqual(wanted.toReversed());
      const got: string[] = [];
      let after: string | undefined;
      for (let size = 0; size === 0 || got.length > size; ) {
        size = got.length;
        const rows = db.streamTable<Reading>("reading", {
          by,
          rowsPerPage: 5,
          ...(after === undefined ? {} : { after: JSON.parse(JSON.stringify(after)) as string }),
        });
        for await (const row of rows) {
          got.push(row.id);
          if (got.length - size === (got.length > 300 ? 1_000 : 7)) break;
        }
        after = rows.position;
      }
      expect(got).toEqual(wanted);
    },
    30_000,
  );

  test("columns, a condition with values, odd names, a qualified table, a view with a key", async () => {
    const rows = db.streamTable(["public", "reading"], {
      columns: ["odd name"],
      where: sql`id between ${10} and ${12}`,
    });
    const got: unknown[] = [];
    for await (const row of rows) got.push(row);
    expect(got).toEqual([
      { id: "10", "odd name": 10 },
      { id: "11", "odd name": 11 },
      { id: "12", "odd name": 12 },
    ]);
    const viewed = db.streamTable<Reading>("reading_view", {
      key: ["id"],
      where: sql`${ident("odd name")} = ${3}`,
    });
    expect((await ids(viewed)).length).toBe(147);
  });

  test("position: none before the first row, after each row its own, after the last it finds what is new", async () => {
    const rows = db.streamTable<Reading>("reading", { rowsPerPage: 10 });
    expect(rows.position).toBeUndefined();
    await rows.next();
    const first = rows.position;
    expect(typeof first).toBe("string");
    for await (const batch of rows.batches()) void batch;
    const last = rows.position!;
    expect(last).not.toBe(first);
    expect(await ids(db.streamTable<Reading>("reading", { after: last }))).toEqual([]);
    const again = db.streamTable<Reading>("reading", { after: last });
    await again.next();
    expect(again.position).toBe(last);
    await db.execute(
      sql`insert into reading values (9001, now(), 'x', 1, gen_random_uuid(), 0, true)`,
    );
    expect(await ids(db.streamTable<Reading>("reading", { after: last }))).toEqual(["9001"]);
    await db.execute(sql`delete from reading where id = 9001`);
  });

  test("a position of another order, condition, direction or table, and a damaged one, are refused", async () => {
    const rows = db.streamTable("reading", { by: ["at"] });
    await rows.next();
    const after = rows.position!;
    await rows.return();
    const others = [
      db.streamTable("reading", { after }),
      db.streamTable("reading", { by: ["at"], direction: "backward", after }),
      db.streamTable("reading", { by: ["at"], where: sql`flag`, after }),
      db.streamTable("reading_view", { by: ["at"], key: ["id"], after }),
      db.streamTable("reading", { by: ["at"], after: `${after.slice(0, -3)}abc` }),
      db.streamTable("reading", { by: ["at"], keys: keyRing(`k:${"s".repeat(32)}`), after }),
    ];
    for (const other of others) {
      const error = await failure(other.next());
      expect(error).toMatchObject({ code: "HST_PG_OPTION" });
      expect(error.message).not.toContain(after);
    }
  });

  test("what there is not is refused by name, without a connection left behind", async () => {
    expect(await failure(db.streamTable("nothing").next())).toMatchObject({ code: "HST_PG_SQL" });
    expect(await failure(db.streamTable("reading_view").next())).toMatchObject({
      code: "HST_PG_OPTION",
    });
    expect(await failure(db.streamTable("reading", { columns: ["x"] }).next())).toMatchObject({
      code: "HST_PG_OPTION",
    });
    expect(await failure(db.streamTable("reading", { by: ["x"] }).next())).toMatchObject({
      code: "HST_PAGE_SORT",
    });
    expect(() => db.streamTable("reading", { rowsPerPage: 10_001 })).toThrow(
      expect.objectContaining({ code: "HST_PG_OPTION" }),
    );
    const abort = new AbortController();
    const rows = db.streamTable("reading", { signal: abort.signal, rowsPerPage: 10 });
    for (let row = 0; row < 10; row++) await rows.next();
    abort.abort();
    await failure(ids(rows as AsyncIterable<never>));
    expect(db.stats().pool.active).toBe(0);
  });

  test("between pages there is no connection and no snapshot, and break leaves none", async () => {
    const own = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    for await (const row of own.streamTable<Reading>("reading", { rowsPerPage: 2_000 })) {
      // The one connection is free for the loop's own statements.
      if (Number(row.id) % 500 === 0) await own.query(sql`select ${row.id}`);
      if (row.id === "1500") break;
    }
    expect(own.stats().pool.active).toBe(0);
    await own.drain();
  });

  test("while rows are inserted and deleted, stopped and gone on with, every row there throughout comes once", async () => {
    await db.execute(sql`create table moving (id int primary key, at timestamptz not null)`);
    await db.execute(sql`
      insert into moving select n, timestamptz '2026-01-01' + n % 50 * interval '1 second'
      from generate_series(1, 6000) as n`);
    let isOver = false;
    const churn = (async () => {
      // Those that stay are multiples of three.
      for (let round = 0; !isOver; round++) {
        await db.execute(sql`delete from moving where id % 3 = 1 and id % 40 = ${round % 40}`);
        await db.execute(sql`
          insert into moving select ${10_000 + round * 60}::int + n * 3 + 1,
            timestamptz '2026-01-01' + n * interval '1 second' from generate_series(1, 19) as n`);
      }
    })();
    const seen = new Map<number, number>();
    let after: string | undefined;
    for (let isDone = false; !isDone; ) {
      const rows = db.streamTable<{ id: number }>("moving", {
        by: ["-at", "id"],
        rowsPerPage: 97,
        ...(after === undefined ? {} : { after }),
      });
      isDone = true;
      for await (const { id } of rows) {
        seen.set(id, (seen.get(id) ?? 0) + 1);
        if (seen.size % 701 !== 0) continue;
        isDone = false;
        break;
      }
      after = rows.position;
    }
    isOver = true;
    await churn;
    expect(Math.max(...seen.values())).toBe(1);
    for (let id = 3; id <= 6_000; id += 3) expect(seen.get(id)).toBe(1);
  }, 30_000);
});
