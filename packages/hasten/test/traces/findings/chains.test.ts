/** A walk from one row to the next is no N+1, whoever sends the statements; the same rows from a list are. */
import { hasten } from "hasten/express";
import { createDatabase, observe, sql } from "hasten/postgres";
import { noNPlusOne } from "hasten/testing";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Person {
  readonly id: number;
  readonly boss: number | null;
}
interface People {
  byId(id: number): Promise<Person | undefined>;
  close(): Promise<unknown>;
}

const TEXT = "select id, boss from people where id = $1";
const OPEN: Readonly<Record<string, (url: string) => Promise<People>>> = {
  async "an observed pool"(url) {
    const pool = new pg.Pool({ connectionString: url });
    observe(pool);
    return {
      byId: async (id) => (await pool.query<Person>(TEXT, [id])).rows[0],
      close: () => pool.end(),
    };
  },
  async "a Database"(url) {
    const db = createDatabase({ url });
    return {
      byId: async (id) =>
        await db.queryOne<Person>(sql`select id, boss from people where id = ${id}`),
      close: () => db.drain(),
    };
  },
  async "a watched pool"(url) {
    const h = await hasten({ postgres: url, findings: false, say: () => undefined });
    return {
      byId: async (id) => (await h.pool.query<Person>(TEXT, [id])).rows[0],
      close: () => h.close(),
    };
  },
};

let fresh: TestDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
  await using db = createDatabase({ url: fresh.url });
  await db.execute(sql`create table people (id int primary key, boss int)`);
  // 64, 32, 16, 8, 4, 2, 1
  await db.execute(
    sql`insert into people select n, nullif(n / 2, 0) from generate_series(1, 64) n`,
  );
});
afterAll(() => fresh.drop());

describe.each(Object.entries(OPEN))("%s", (_name, open) => {
  let people: People;
  beforeAll(async () => {
    people = await open(fresh.url);
    await people.byId(1);
  });
  afterAll(() => people.close());

  async function bossesOf(id: number): Promise<number> {
    let [steps, next]: [number, number | null] = [0, id];
    for (; next !== null; steps++) next = (await people.byId(next))?.boss ?? null;
    return steps;
  }
  async function listed(ids: readonly number[]): Promise<void> {
    for (const id of ids) await people.byId(id);
  }

  test("each from the one before", async () => {
    expect(await noNPlusOne(() => bossesOf(64))).toBe(7);
  });

  test("from a list, in another order", async () => {
    await expect(noNPlusOne(() => listed([3, 50, 7, 22, 41, 9]))).rejects.toThrow(/N\+1/);
  });
});
