/** The same small data layer in five libraries. */

import { createRequire } from "node:module";
import { asc, eq, sql as rawDrizzle } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import knexLibrary from "knex";
import { Kysely, PostgresDialect, sql as rawKysely } from "kysely";
import pg from "pg";
import { QueryTypes, Sequelize } from "sequelize";

export interface Item {
  readonly id: number;
  readonly shelf: string;
  readonly label: string;
}

const KnexPostgres = createRequire(import.meta.url)("knex/lib/dialects/postgres/index.js") as new (
  config: object,
) => object;

/** What the handlers of the suite ask for. */
export interface Items {
  byId(id: number): Promise<Item | undefined>;
  onShelf(shelf: string): Promise<readonly Item[]>;
  relabel(id: number, label: string): Promise<void>;
  /** Two reads in one transaction. */
  twice(id: number): Promise<readonly [Item | undefined, Item | undefined]>;
  /** A text of the program's own. */
  rows(text: string): Promise<readonly object[]>;
  close(): Promise<void>;
}

export interface Library {
  readonly name: string;
  open(url: string, parts: { max: number; watch: <T extends object>(target: T) => T }): Items;
}

const plain: Library = {
  name: "pg",
  open(url, { max, watch }) {
    const pool = watch(new pg.Pool({ connectionString: url, max }));
    const byId = "select id, shelf, label from items where id = $1";
    return {
      byId: async (id) => (await pool.query<Item>(byId, [id])).rows[0],
      onShelf: async (shelf) =>
        (
          await pool.query<Item>(
            "select id, shelf, label from items where shelf = $1 order by id",
            [shelf],
          )
        ).rows,
      async relabel(id, label) {
        await pool.query("update items set label = $2 where id = $1", [id, label]);
      },
      async twice(id) {
        const client = await pool.connect();
        try {
          await client.query("begin");
          const first = (await client.query<Item>(byId, [id])).rows[0];
          const second = (await client.query<Item>(byId, [id])).rows[0];
          await client.query("commit");
          return [first, second];
        } finally {
          client.release();
        }
      },
      rows: async (text) => (await pool.query(text)).rows as object[],
      close: () => pool.end(),
    };
  },
};

const items = pgTable("items", {
  id: integer("id").primaryKey(),
  shelf: text("shelf").notNull(),
  label: text("label").notNull(),
});

const withDrizzle: Library = {
  name: "Drizzle",
  open(url, { max, watch }) {
    const pool = watch(new pg.Pool({ connectionString: url, max }));
    const db = drizzle(pool);
    return {
      byId: async (id) => (await db.select().from(items).where(eq(items.id, id)))[0],
      onShelf: (shelf) =>
        db.select().from(items).where(eq(items.shelf, shelf)).orderBy(asc(items.id)),
      async relabel(id, label) {
        await db.update(items).set({ label }).where(eq(items.id, id));
      },
      twice: (id) =>
        db.transaction(async (tx) => {
          const [first] = await tx.select().from(items).where(eq(items.id, id));
          const [second] = await tx.select().from(items).where(eq(items.id, id));
          return [first, second] as const;
        }),
      rows: async (text) => (await db.execute(rawDrizzle.raw(text))).rows,
      close: () => pool.end(),
    };
  },
};

const withKysely: Library = {
  name: "Kysely",
  open(url, { max, watch }) {
    const pool = watch(new pg.Pool({ connectionString: url, max }));
    const db = new Kysely<{ items: Item }>({ dialect: new PostgresDialect({ pool }) });
    const byId = (on: Pick<typeof db, "selectFrom">, id: number): Promise<Item | undefined> =>
      on.selectFrom("items").selectAll().where("id", "=", id).executeTakeFirst();
    return {
      byId: (id) => byId(db, id),
      onShelf: (shelf) =>
        db.selectFrom("items").selectAll().where("shelf", "=", shelf).orderBy("id").execute(),
      async relabel(id, label) {
        await db.updateTable("items").set({ label }).where("id", "=", id).execute();
      },
      twice: (id) =>
        db.transaction().execute(async (tx) => [await byId(tx, id), await byId(tx, id)] as const),
      rows: async (text) => (await rawKysely.raw<object>(text).execute(db)).rows,
      close: () => db.destroy(),
    };
  },
};

const withKnex: Library = {
  name: "Knex",
  open(url, { max, watch }) {
    const driver = watch(pg);
    class WatchedClient extends KnexPostgres {
      _driver(): unknown {
        return driver;
      }
    }
    const db = knexLibrary({
      client: WatchedClient as never,
      connection: url,
      pool: { min: 0, max },
    });
    const byId = (id: number, on: typeof db = db): Promise<Item | undefined> =>
      on<Item>("items").where({ id }).first() as unknown as Promise<Item | undefined>;
    return {
      byId: (id) => byId(id),
      onShelf: async (shelf) => await db<Item>("items").where({ shelf }).orderBy("id"),
      async relabel(id, label) {
        await db<Item>("items").where({ id }).update({ label });
      },
      twice: (id) =>
        db.transaction(async (tx) => [await byId(id, tx), await byId(id, tx)] as const),
      rows: async (text) => ((await db.raw(text)) as { rows: object[] }).rows,
      close: () => db.destroy(),
    };
  },
};

const withSequelize: Library = {
  name: "Sequelize",
  open(url, { max, watch }) {
    const db = new Sequelize(url, {
      dialect: "postgres",
      dialectModule: watch(pg),
      logging: false,
      pool: { max, min: 0, acquire: 20_000 },
    });
    const rows = (text: string, bind: unknown[], within: object = {}): Promise<Item[]> =>
      db.query<Item>(text, { bind, ...within, type: QueryTypes.SELECT as const });
    const byId = "select id, shelf, label from items where id = $1";
    return {
      byId: async (id) => (await rows(byId, [id]))[0],
      onShelf: (shelf) =>
        rows("select id, shelf, label from items where shelf = $1 order by id", [shelf]),
      async relabel(id, label) {
        await db.query("update items set label = $2 where id = $1", { bind: [id, label] });
      },
      twice: (id) =>
        db.transaction(async (transaction) => {
          const [first] = await rows(byId, [id], { transaction });
          const [second] = await rows(byId, [id], { transaction });
          return [first, second] as const;
        }),
      rows: (text) => db.query<object>(text, { type: QueryTypes.SELECT as const }),
      close: () => db.close(),
    };
  },
};

export const libraries: readonly Library[] = [
  plain,
  withDrizzle,
  withKysely,
  withKnex,
  withSequelize,
];

export const SCHEMA = `create table items (id int primary key, shelf text not null, label text not null);
  alter table items replica identity full;
  insert into items select i, 'shelf-' || i % 10, 'label ' || i from generate_series(1, 400) i`;
