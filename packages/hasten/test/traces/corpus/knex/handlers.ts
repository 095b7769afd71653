import { observe } from "hasten/postgres";
import knexLibrary, { type Knex } from "knex";
import { type Handlers, problem, right, wrong } from "../handler.ts";
import * as shop from "./shop.ts";
import * as site from "./site.ts";

const IDS = [2, 4, 8, 16, 32, 64];

export function knexHandlers(url: string): Handlers {
  const knex = knexLibrary({ client: "pg", connection: url, pool: { min: 0, max: 5 } });
  observe(knex);
  return {
    library: "Knex",
    handlers: [...wrongOnes(knex), ...rightOnes(knex)],
    close: () => knex.destroy(),
  };
}

function wrongOnes(knex: Knex): Handlers["handlers"] {
  return [
    wrong(
      "the customer of each order",
      () => shop.ordersWithCustomers(knex),
      problem("n-plus-one", "knex/shop.ts#ordersWithCustomers"),
    ),
    wrong(
      "the stock of each product, side by side",
      () => shop.availability(knex, IDS),
      problem("n-plus-one", "knex/shop.ts#stockOf", "knex/shop.ts#availability"),
    ),
    wrong(
      "a sum for each product by knex.raw",
      () => shop.sold(knex, IDS),
      problem("n-plus-one", "knex/shop.ts#sold"),
    ),
    wrong(
      "members of each team, in a transaction",
      () => shop.rosters(knex),
      problem("n-plus-one", "knex/shop.ts#rosters"),
    ),
    wrong(
      "nested loops",
      () => site.sitemap(knex),
      problem("n-plus-one", "knex/site.ts#sitemap"),
      problem("n-plus-one", "knex/site.ts#sitemap"),
    ),
    wrong(
      "the manager of each of many",
      () => site.managers(knex, [11, 12, 13, 14, 15, 16]),
      problem("n-plus-one", "knex/site.ts#managers"),
    ),
    wrong(
      "the tax for each line",
      () => site.invoice(knex, 4),
      problem("duplicate", "knex/site.ts#setting", "knex/site.ts#invoice"),
    ),
    wrong("the whole log", () => site.log(knex), problem("unbounded", "knex/site.ts#log")),
    wrong(
      "contents for titles",
      () => site.library(knex),
      problem("select-everything", "knex/site.ts#library"),
    ),
    wrong("counts in turn", () => site.numbers(knex), problem("serial", "knex/site.ts#numbers")),
  ];
}

function rightOnes(knex: Knex): Handlers["handlers"] {
  const names = Array.from({ length: 18 }, (_none, place) => `tag ${place}`);
  return [
    right("a join", () => shop.ordersJoined(knex)),
    right("whereIn", () => shop.ordersWhereIn(knex)),
    right("a transfer under locks", () => shop.transfer(knex, 31, 32)),
    right("an order with its lines", () => shop.order(knex, [41, 42, 43, 44, 45])),
    right("two settings", () => site.look(knex)),
    right("pages by offset", () => site.logPages(knex, 50)),
    right("counts at once", () => site.numbersAtOnce(knex)),
    right("a migration", () => site.migrate(knex), { kind: "job" }),
    right("batchInsert", () => site.importTags(knex, names)),
  ];
}
