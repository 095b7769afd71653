/** The same handlers in five libraries: what is found, from which function, and with which fix. */

import { eq, inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { createDatabase, observe, sql } from "hasten/postgres";
import { noNPlusOne } from "hasten/testing";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import knexLibrary from "knex";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { DataTypes, Sequelize } from "sequelize";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Data {
  oneByOne(ids: readonly number[]): Promise<unknown>;
  together(ids: readonly number[]): Promise<unknown>;
  batched(ids: readonly number[]): Promise<unknown>;
  again(id: number): Promise<unknown>;
  retried(id: number): Promise<unknown>;
  close(): Promise<unknown>;
}

let fresh: TestDatabase;
const opened: Data[] = [];
beforeAll(async () => {
  fresh = await freshDatabase();
  await using db = createDatabase({ url: fresh.url });
  await db.execute(sql`create table users (id int primary key, name text)`);
  await db.execute(sql`insert into users select n, 'user ' || n from generate_series(1, 50) n`);
});
afterAll(async () => {
  for (const data of opened) await data.close();
  await fresh.drop();
});

/** The handlers, over the two ways in which a library finds users. */
function handlers(
  byId: (id: number) => Promise<unknown>,
  byIds: (ids: readonly number[]) => Promise<unknown>,
  close: () => Promise<unknown>,
): Data {
  return { ...{ oneByOne, together, batched, again, retried }, close };
  async function oneByOne(ids: readonly number[]): Promise<void> {
    for (const id of ids) await byId(id);
  }
  async function together(ids: readonly number[]): Promise<void> {
    await Promise.all(ids.map((id) => byId(id)));
  }
  async function batched(ids: readonly number[]): Promise<void> {
    await byIds(ids);
    await byIds(ids.slice(1));
    await byIds(ids.slice(2));
  }
  async function again(id: number): Promise<void> {
    await byId(id);
    await byId(id);
  }
  async function retried(id: number): Promise<void> {
    await byId(id + 1_000);
    await byId(id + 1_000);
    await byId(id);
  }
}

const OPEN: Readonly<Record<string, (url: string) => Data>> = {
  pg(url) {
    const pool = new pg.Pool({ connectionString: url });
    observe(pool);
    return handlers(
      function findUser(id) {
        return pool.query("select * from users where id = $1", [id]);
      },
      (ids) => pool.query("select * from users where id = any($1)", [ids]),
      () => pool.end(),
    );
  },
  hasten(url) {
    const db = createDatabase({ url });
    return handlers(
      async function findUser(id) {
        return db.queryOne(sql`select * from users where id = ${id}`);
      },
      (ids) => db.byIds("users", "id", ids),
      () => db.drain(),
    );
  },
  Drizzle(url) {
    const pool = new pg.Pool({ connectionString: url });
    const db = drizzle(pool);
    observe(db);
    const users = pgTable("users", { id: integer("id").primaryKey(), name: text("name") });
    return handlers(
      async function findUser(id) {
        return db.select().from(users).where(eq(users.id, id));
      },
      async (ids) =>
        db
          .select()
          .from(users)
          .where(inArray(users.id, [...ids])),
      () => pool.end(),
    );
  },
  Kysely(url) {
    const pool = new pg.Pool({ connectionString: url });
    observe(pool);
    const db = new Kysely<{ users: { id: number; name: string } }>({
      dialect: new PostgresDialect({ pool }),
    });
    return handlers(
      async function findUser(id) {
        return db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
      },
      (ids) => db.selectFrom("users").selectAll().where("id", "in", ids).execute(),
      () => db.destroy(),
    );
  },
  Sequelize(url) {
    const sequelize = new Sequelize(url, { dialect: "postgres", logging: false });
    observe(sequelize);
    const User = sequelize.define(
      "user",
      { name: DataTypes.TEXT },
      { tableName: "users", timestamps: false },
    );
    return handlers(
      async function findUser(id) {
        return User.findByPk(id);
      },
      (ids) => User.findAll({ where: { id: [...ids] } }),
      () => sequelize.close(),
    );
  },
  Knex(url) {
    const db = knexLibrary({ client: "pg", connection: url });
    observe(db);
    return handlers(
      async function findUser(id) {
        return db("users").where({ id }).first();
      },
      async (ids) => db("users").whereIn("id", [...ids]),
      () => db.destroy(),
    );
  },
};

describe.each(Object.keys(OPEN))("%s", (name) => {
  let data: Data;
  beforeAll(async () => {
    data = OPEN[name]!(fresh.url);
    opened.push(data);
    await data.oneByOne([1]);
  });
  const message = (work: () => unknown): Promise<string> =>
    noNPlusOne(work, { kinds: ["n-plus-one", "duplicate"] }).then(
      () => "none",
      (error: unknown) => (error as Error).message,
    );
  const ids = [1, 2, 3, 4, 5];

  // A function that returns the promise of a library without awaiting it is on no stack: its caller is.
  test("a loop, one by one and side by side, from the function that asks", async () => {
    const [oneByOne, together] = [
      await message(() => data.oneByOne(ids)),
      await message(() => data.together(ids)),
    ];
    expect(oneByOne).toMatch(
      /N\+1 in the test.*\n.*from users.*\n {2}at (?:findUser|oneByOne) \(packages\/hasten\/test\/traces\/findings\/libraries\.test\.ts/,
    );
    expect(oneByOne).toContain('db.byIds("users", "id", ids)');
    expect(oneByOne).toContain("5 times with 5 different parameters, one after the other");
    // Sequelize and Knex wait in pools of their own, before the driver is asked: one may follow the other.
    expect(together).toMatch(/at (?:findUser|together) \(.*[\s\S]*5 different parameters, /);
  });

  test("the same again is a duplicate; batches and looking again are none", async () => {
    expect(await message(() => data.again(1))).toMatch(/duplicate query in the test/);
    expect(await message(() => data.batched(ids))).toBe("none");
    expect(await message(() => data.retried(1))).not.toMatch(/N\+1/);
  });
});
