import { observe } from "hasten/postgres";
import pg from "pg";
import { type Handlers, problem, right, wrong } from "../handler.ts";
import { type Db, openKysely } from "./database.ts";
import { ReportService } from "./reports.ts";
import * as shop from "./shop.ts";

const CART = [3, 9, 12, 20, 31, 44, 58];

export function kyselyHandlers(url: string): Handlers {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  observe(pool);
  const db = openKysely(pool);
  return {
    library: "Kysely",
    handlers: [...wrongOnes(db), ...rightOnes(db)],
    close: () => db.destroy(),
  };
}

function wrongOnes(db: Db): Handlers["handlers"] {
  const reports = new ReportService(db);
  return [
    wrong(
      "the last order of each customer",
      () => reports.lastOrders(),
      problem("n-plus-one", "kysely/reports.ts#lastOrders"),
    ),
    wrong(
      "each product of a cart",
      () => shop.cart(db, CART),
      problem("n-plus-one", "kysely/shop.ts#productById", "kysely/shop.ts#cart"),
    ),
    wrong(
      "products of each category, side by side",
      () => shop.shelves(db),
      problem("n-plus-one", "kysely/shop.ts#shelf", "kysely/shop.ts#shelves"),
    ),
    wrong(
      "a name for each that a generator yields",
      () => shop.labels(db),
      problem("n-plus-one", "kysely/shop.ts#labels"),
    ),
    wrong(
      "the theme for each part of a page",
      () => shop.page(db),
      problem("duplicate", "kysely/shop.ts#theme", "kysely/shop.ts#page"),
    ),
    wrong(
      "figures in turn",
      () => reports.figures(),
      problem("serial", "kysely/reports.ts#figures"),
    ),
    wrong(
      "contents for titles",
      () => reports.library(),
      problem("select-everything", "kysely/reports.ts#library"),
    ),
    wrong(
      "a long join without a limit",
      () => reports.letters(),
      problem("unbounded", "kysely/reports.ts#letters"),
    ),
  ];
}

function rightOnes(db: Db): Handlers["handlers"] {
  const reports = new ReportService(db);
  const texts = Array.from({ length: 23 }, (_none, place) => `text ${place}`);
  return [
    right("distinct on", () => reports.lastOrdersDistinct()),
    right("jsonArrayFrom", () => reports.withLines()),
    right("figures at once", () => reports.figuresAtOnce()),
    right("a cart by IN", () => shop.cartAtOnce(db, CART)),
    right("a breadcrumb", () => shop.breadcrumb(db, 13)),
    right("jobs taken with SKIP LOCKED", () => shop.takeJobs(db, 5)),
    right("read and written under a lock", () => shop.restock(db, [2, 3, 5, 7])),
    right("an import in portions", () => shop.addComments(db, texts)),
    right("waiting for an order", () => shop.awaitOrder(db, 99_999)),
  ];
}
