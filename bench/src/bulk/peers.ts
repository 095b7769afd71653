/** The ways to write many rows of other libraries, each as its documentation says. */
import { sql as drizzleSql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import {
  bigint,
  boolean,
  date,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  pgTable,
  smallint,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import knexOf from "knex";
import pg from "pg";
import postgres from "postgres";
import { DataTypes, Sequelize } from "sequelize";
import { batches, type Item, names } from "./shape.ts";

/** One library, connected. */
export interface Peer {
  insert(rows: Iterable<Partial<Item>>, width: number): Promise<void>;
  upsert?(rows: Iterable<Partial<Item>>, width: number): Promise<void>;
  close(): Promise<void>;
}

/** Rows of one statement: 1,000, which all of them manage at 16 columns. */
const BATCH = 1_000;

export const peers: Readonly<Record<string, (url: string) => Peer>> = {
  "single inserts": singles,
  knex: knexPeer,
  sequelize: sequelizePeer,
  drizzle: drizzlePeer,
  "postgres.js": postgresPeer,
};

function singles(url: string): Peer {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  return {
    async insert(rows, width) {
      const all = names(width);
      const text = `insert into t (${all.join(", ")}) values (${all.map((_, at) => `$${at + 1}`).join(", ")})`;
      for (const row of rows) {
        const values = all.map((name) => row[name]);
        await pool.query({ name: "one", text, values });
      }
    },
    close: () => pool.end(),
  };
}

function knexPeer(url: string): Peer {
  const knex = knexOf({ client: "pg", connection: url, pool: { min: 1, max: 1 } });
  return {
    async insert(rows) {
      await knex.transaction(async (trx) => {
        for (const batch of batches(rows, BATCH)) await trx.batchInsert("t", batch, BATCH);
      });
    },
    async upsert(rows) {
      await knex.transaction(async (trx) => {
        for (const batch of batches(rows, BATCH))
          await trx("t").insert(batch).onConflict("id").merge();
      });
    },
    close: () => knex.destroy(),
  };
}

function sequelizePeer(url: string): Peer {
  const sequelize = new Sequelize(url, { logging: false, pool: { min: 1, max: 1 } });
  const types = {
    id: { type: DataTypes.INTEGER, primaryKey: true },
    sku: DataTypes.TEXT,
    qty: DataTypes.INTEGER,
    price: DataTypes.DECIMAL,
    created: DataTypes.DATE,
    active: DataTypes.BOOLEAN,
    note: DataTypes.TEXT,
    ratio: DataTypes.DOUBLE,
    ref: DataTypes.UUID,
    total: DataTypes.BIGINT,
    tags: DataTypes.ARRAY(DataTypes.TEXT),
    data: DataTypes.JSONB,
    day: DataTypes.DATEONLY,
    rank: DataTypes.SMALLINT,
    remark: DataTypes.TEXT,
    city: DataTypes.TEXT,
  };
  const write = async (
    rows: Iterable<Partial<Item>>,
    width: number,
    updateOnDuplicate: string[] | undefined,
  ): Promise<void> => {
    const own = Object.fromEntries(names(width).map((name) => [name, types[name]]));
    const model = sequelize.define("t", own, { tableName: "t", timestamps: false });
    const options = updateOnDuplicate === undefined ? {} : { updateOnDuplicate };
    await sequelize.transaction(async (transaction) => {
      for (const batch of batches(rows, BATCH))
        await model.bulkCreate(batch, { transaction, returning: false, ...options });
    });
  };
  return {
    insert: (rows, width) => write(rows, width, undefined),
    upsert: (rows, width) => write(rows, width, names(width).slice(1) as string[]),
    close: () => sequelize.close(),
  };
}

function drizzlePeer(url: string): Peer {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const db = drizzle(pool);
  const all = {
    id: integer().primaryKey(),
    sku: text(),
    qty: integer(),
    price: numeric(),
    created: timestamp({ withTimezone: true }),
    active: boolean(),
    note: text(),
    ratio: doublePrecision(),
    ref: uuid(),
    total: bigint({ mode: "bigint" }),
    tags: text().array(),
    data: jsonb(),
    day: date(),
    rank: smallint(),
    remark: text(),
    city: text(),
  };
  const write = async (
    rows: Iterable<Partial<Item>>,
    width: number,
    upsert: boolean,
  ): Promise<void> => {
    const columns = names(width);
    const own = Object.fromEntries(columns.map((name) => [name, all[name]]));
    const table = pgTable("t", own as typeof all);
    const set = Object.fromEntries(
      columns.slice(1).map((name) => [name, drizzleSql.raw(`excluded.${name}`)]),
    );
    await db.transaction(async (tx) => {
      for (const batch of batches(rows, BATCH)) {
        const insert = tx.insert(table).values(batch as never);
        if (upsert) await insert.onConflictDoUpdate({ target: table.id, set });
        else await insert;
      }
    });
  };
  return {
    insert: (rows, width) => write(rows, width, false),
    upsert: (rows, width) => write(rows, width, true),
    close: () => pool.end(),
  };
}

function postgresPeer(url: string): Peer {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  return {
    async insert(rows) {
      await sql.begin(async (tx) => {
        for (const batch of batches(rows, BATCH)) await tx`insert into t ${tx(batch as never)}`;
      });
    },
    async upsert(rows, width) {
      const set = names(width)
        .slice(1)
        .map((name) => `${name} = excluded.${name}`)
        .join(", ");
      await sql.begin(async (tx) => {
        for (const batch of batches(rows, BATCH))
          await tx`insert into t ${tx(batch as never)} on conflict (id) do update set ${tx.unsafe(set)}`;
      });
    },
    close: () => sql.end(),
  };
}
