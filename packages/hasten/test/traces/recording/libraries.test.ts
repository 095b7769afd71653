/** The line of the application, whatever library is between it and the driver. */
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { observe } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import knexLibrary from "knex";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { DataTypes, Sequelize } from "sequelize";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  forgetUnattributed,
  inTrace,
  type QueryLog,
  siteCapture,
  Trace,
} from "../../../src/core/trace/index.ts";

const IDS = [1, 2, 3, 4, 5, 6];
let fresh: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  fresh = await freshDatabase();
  const setUp = new pg.Client({ connectionString: fresh.url });
  await setUp.connect();
  await setUp.query(`create table items (id int primary key, label text not null);
    insert into items select n, 'label ' || n from generate_series(1, 50) as n`);
  await setUp.end();
});
afterAll(async () => {
  await fresh?.[Symbol.asyncDispose]();
});
beforeEach(() => forgetUnattributed());
afterEach(() => {
  siteCapture.from = 2;
});

/** What a handler does: a loop, and all at once. */
interface Handlers {
  loop(): Promise<unknown>;
  spread(): Promise<unknown>;
  inTransaction(): Promise<unknown>;
  close(): Promise<unknown>;
}

const openPg = (): Handlers => {
  const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
  const seen = observe(pool);
  const byId = "select * from items where id = $1";
  return {
    async loop() {
      for (const id of IDS) await pool.query(byId, [id]);
    },
    async spread() {
      return await Promise.all(IDS.map((id) => pool.query(byId, [id])));
    },
    async inTransaction() {
      const client = await pool.connect();
      await client.query("begin");
      for (const id of IDS) await client.query(byId, [id]);
      await client.query("commit");
      client.release();
    },
    async close() {
      seen.close();
      await pool.end();
    },
  };
};

const items = pgTable("items", {
  id: integer("id").primaryKey(),
  label: text("label").notNull(),
});

const openDrizzle = (): Handlers => {
  const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
  const db = drizzle(pool, { schema: { items } });
  const seen = observe(db);
  return {
    async loop() {
      for (const id of IDS) await db.select().from(items).where(eq(items.id, id));
    },
    async spread() {
      return await Promise.all(
        IDS.map((id) => db.query.items.findFirst({ where: eq(items.id, id) })),
      );
    },
    async inTransaction() {
      await db.transaction(async (tx) => {
        for (const id of IDS) await tx.select().from(items).where(eq(items.id, id));
      });
    },
    async close() {
      seen.close();
      await pool.end();
    },
  };
};

const openKnex = (): Handlers => {
  const db = knexLibrary({ client: "pg", connection: fresh.url, pool: { min: 0, max: 2 } });
  const seen = observe(db);
  return {
    async loop() {
      for (const id of IDS) await db("items").where({ id }).first();
    },
    async spread() {
      return await Promise.all(IDS.map((id) => db.raw("select * from items where id = ?", [id])));
    },
    async inTransaction() {
      await db.transaction(async (tx) => {
        for (const id of IDS) await tx("items").where({ id });
      });
    },
    async close() {
      seen.close();
      await db.destroy();
    },
  };
};

const openKysely = (): Handlers => {
  const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
  const db = new Kysely<{ items: { id: number; label: string } }>({
    dialect: new PostgresDialect({ pool }),
  });
  const seen = observe(pool);
  return {
    async loop() {
      for (const id of IDS)
        await db.selectFrom("items").selectAll().where("id", "=", id).executeTakeFirst();
    },
    async spread() {
      return await Promise.all(
        IDS.map((id) => db.selectFrom("items").selectAll().where("id", "=", id).execute()),
      );
    },
    async inTransaction() {
      await db.transaction().execute(async (tx) => {
        for (const id of IDS)
          await tx.selectFrom("items").selectAll().where("id", "=", id).execute();
      });
    },
    async close() {
      seen.close();
      await db.destroy();
    },
  };
};

const openSequelize = (): Handlers => {
  const db = new Sequelize(fresh.url, {
    dialect: "postgres",
    dialectModule: pg,
    logging: false,
    pool: { max: 2, min: 0 },
  });
  const seen = observe(db);
  const Item = db.define(
    "item",
    { id: { type: DataTypes.INTEGER, primaryKey: true }, label: DataTypes.TEXT },
    { tableName: "items", timestamps: false },
  );
  return {
    async loop() {
      for (const id of IDS) await Item.findByPk(id);
    },
    async spread() {
      return await Promise.all(IDS.map((id) => Item.findOne({ where: { id } })));
    },
    async inTransaction() {
      await db.transaction(async (transaction) => {
        for (const id of IDS) await Item.findByPk(id, { transaction });
      });
    },
    async close() {
      seen.close();
      await db.close();
    },
  };
};

const LIBRARIES: readonly (readonly [string, () => Handlers])[] = [
  ["pg", openPg],
  ["Drizzle", openDrizzle],
  ["Knex", openKnex],
  ["Kysely", openKysely],
  ["Sequelize", openSequelize],
];

async function logOf(work: () => Promise<unknown>): Promise<QueryLog> {
  const trace = new Trace();
  await inTrace(trace, work);
  return trace.queries;
}

const readsOf = (log: QueryLog) => log.records.filter((one) => one.shape.role === "read");
const functionsOf = (log: QueryLog) =>
  readsOf(log).map((one) =>
    one.site?.file.endsWith("libraries.test.ts") ? one.site.functionName : one.site,
  );

/** Knex runs a transaction's work from a queue of its own: the nameless callback's line is known, who wrote it is not. */
const named = (library: string, name: string): string =>
  library === "Knex" && name === "inTransaction" ? "" : name;

describe.each(LIBRARIES)("%s", (library, open) => {
  let handlers: Handlers;
  beforeEach(() => {
    handlers = open();
  });
  afterEach(() => handlers.close());

  test.each(["loop", "spread", "inTransaction"] as const)(
    "%s: every one of the first five has its line where all are wanted",
    async (name) => {
      siteCapture.from = 1;
      await handlers[name]();
      const log = await logOf(() => handlers[name]());
      const wanted = named(library, name);
      expect(functionsOf(log)).toEqual([...Array.from({ length: 5 }, () => wanted), undefined]);
      expect(readsOf(log).map((one) => [one.outcome, one.rows, one.shape.model])).toEqual(
        IDS.map(() => ["answered", 1, "items"]),
      );
      expect(log.totals().count).toBe(6);
      if (name === "inTransaction")
        expect(log.transactions).toMatchObject([
          { number: 1, statements: 6, outcome: "committed" },
        ]);
    },
  );

  test.each(["loop", "spread", "inTransaction"] as const)(
    "%s: in its second trace at the latest, from the second statement on",
    async (name) => {
      await logOf(() => handlers[name]());
      const log = await logOf(() => handlers[name]());
      const wanted = named(library, name);
      expect(functionsOf(log)).toEqual([undefined, ...Array.from({ length: 5 }, () => wanted)]);
    },
  );

  test("closed, nothing is recorded, and it works as before", async () => {
    await handlers.loop();
    await handlers.close();
    handlers = open();
  });
});
