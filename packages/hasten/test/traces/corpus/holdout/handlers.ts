/** Written after the rules had been mended for the others, and judged once before anything else was changed. */
import { createDatabase, observe } from "hasten/postgres";
import knexLibrary from "knex";
import pg from "pg";
import { openDrizzle } from "../drizzle/tables.ts";
import { type Handler, type Handlers, type Library, problem, right, wrong } from "../handler.ts";
import { openKysely } from "../kysely/database.ts";
import { openSequelize } from "../sequelize/models.ts";
import * as plain from "./plain.ts";
import * as withDrizzle from "./with-drizzle.ts";
import * as withHasten from "./with-hasten.ts";
import * as withKnex from "./with-knex.ts";
import * as withKysely from "./with-kysely.ts";
import * as withSequelize from "./with-sequelize.ts";

const IDS = Array.from({ length: 70 }, (_none, place) => place + 1);

export const openHeldOut = (url: string): readonly Handlers[] => [
  ofPg(url),
  ofDrizzle(url),
  ofKysely(url),
  ofSequelize(url),
  ofKnex(url),
  ofHasten(url),
];

const set = (
  library: Library,
  close: () => Promise<unknown>,
  handlers: readonly Handler[],
): Handlers => ({ library, handlers, close });

function ofPg(url: string): Handlers {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  observe(pool);
  return set("pg", () => pool.end(), [
    wrong(
      "a presenter for each user counts",
      () => plain.people(pool),
      problem("n-plus-one", "holdout/plain.ts##activity", "holdout/plain.ts#people"),
    ),
    wrong(
      "a rate for each day",
      () => plain.rateHistory(pool, "USD"),
      problem("n-plus-one", "holdout/plain.ts#rateHistory"),
    ),
    right("tags found or made", () => plain.tagIds(pool, ["tag 3", "a", "b", "c", "tag 9", "d"])),
    right("numbers of a sequence", () => plain.invoiceNumbers(pool, 6)),
  ]);
}

function ofDrizzle(url: string): Handlers {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  const db = openDrizzle(pool);
  observe(db);
  return set("Drizzle", () => pool.end(), [
    wrong(
      "members of each team by findMany",
      () => withDrizzle.teamCards(db),
      problem("n-plus-one", "holdout/with-drizzle.ts#teamCards"),
    ),
    wrong(
      "all settings, three times",
      () => withDrizzle.summary(db),
      problem("duplicate", "holdout/with-drizzle.ts#all", "holdout/with-drizzle.ts#summary"),
    ),
    right("prices in portions", () => withDrizzle.priceList(db, IDS)),
    right("written if nobody else did", () => withDrizzle.reprice(db, 50)),
  ]);
}

function ofKysely(url: string): Handlers {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  observe(pool);
  const db = openKysely(pool);
  return set("Kysely", () => db.destroy(), [
    wrong(
      "lines of each order by reduce",
      () => withKysely.openOrders(db),
      problem("n-plus-one", "holdout/with-kysely.ts#openOrders"),
    ),
    wrong(
      "everything that was sold",
      () => withKysely.everything(db),
      problem("unbounded", "holdout/with-kysely.ts#everything"),
    ),
    right("a ranking by one statement", () => withKysely.ranking(db)),
    right("each from the one before", () => withKysely.teamsLastOrder(db, "user7@example.com")),
  ]);
}

function ofSequelize(url: string): Handlers {
  const sequelize = openSequelize(url);
  observe(sequelize);
  const pieces = new Map([51, 52, 53, 54, 55].map((id) => [id, 2]));
  return set("Sequelize", () => sequelize.close(), [
    wrong(
      "one post of each, allSettled",
      () => withSequelize.teasers(),
      problem("n-plus-one", "holdout/with-sequelize.ts#teasers"),
    ),
    wrong(
      "a count for each author",
      () => withSequelize.authorRanking(),
      problem("n-plus-one", "holdout/with-sequelize.ts#authorRanking"),
    ),
    right("a page with its count", () => withSequelize.postPage(2)),
    right("a delivery in a transaction", () => withSequelize.deliver(sequelize, pieces)),
  ]);
}

function ofKnex(url: string): Handlers {
  const knex = knexLibrary({ client: "pg", connection: url, pool: { min: 0, max: 5 } });
  observe(knex);
  return set("Knex", () => knex.destroy(), [
    wrong(
      "a tree side by side",
      () => withKnex.menuBelow(knex, 1),
      problem("n-plus-one", "holdout/with-knex.ts#menuBelow"),
    ),
    wrong(
      "counts with conditions in turn",
      () => withKnex.adminBoard(knex),
      problem("serial", "holdout/with-knex.ts#adminBoard"),
    ),
    right("one stream", () => withKnex.eventLines(knex)),
    right("a worker", () => withKnex.drain(knex), { kind: "job" }),
  ]);
}

function ofHasten(url: string): Handlers {
  const db = createDatabase({ url, pool: { max: 5 } });
  const cards = withHasten.productCards(db);
  return set("hasten", () => db.drain(), [
    wrong(
      "a cold cache, one by one",
      () => cards(IDS.slice(0, 12)),
      problem("n-plus-one", "holdout/with-hasten.ts#productCard", "holdout/with-hasten.ts#cards"),
    ),
    right("loadMany with groupBy", withHasten.threads(db)),
  ]);
}
