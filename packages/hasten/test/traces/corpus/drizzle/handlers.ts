import { observe } from "hasten/postgres";
import pg from "pg";
import { type Handlers, problem, right, wrong } from "../handler.ts";
import * as social from "./social.ts";
import { type Drizzle, openDrizzle } from "./tables.ts";
import * as trade from "./trade.ts";

const DOCUMENTS = Array.from({ length: 14 }, (_none, place) => place + 1);

export function drizzleHandlers(url: string): Handlers {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  const db = openDrizzle(pool);
  observe(db);
  return {
    library: "Drizzle",
    handlers: [...wrongOnes(db), ...rightOnes(db)],
    close: () => pool.end(),
  };
}

function wrongOnes(db: Drizzle): Handlers["handlers"] {
  return [
    wrong(
      "comments of each post",
      () => social.postsWithComments(db),
      problem("n-plus-one", "drizzle/social.ts#postsWithComments"),
    ),
    wrong(
      "findFirst for each author, side by side",
      () => social.authorsOfPosts(db),
      problem("n-plus-one", "drizzle/social.ts#authorsOfPosts"),
    ),
    wrong(
      "a permission for each document",
      () => new social.AccessControl(db).filter(3, DOCUMENTS),
      problem("n-plus-one", "drizzle/social.ts#can", "drizzle/social.ts#filter"),
    ),
    wrong(
      "a count for each team",
      () => social.teamSizes(db),
      problem("n-plus-one", "drizzle/social.ts#teamSizes"),
    ),
    wrong(
      "pieces of each order, in a transaction",
      () => trade.invoices(db),
      problem("n-plus-one", "drizzle/trade.ts#invoices"),
    ),
    wrong(
      "the same rate for each product",
      () => trade.pricesIn(db, "USD"),
      problem("duplicate", "drizzle/trade.ts#rateOf", "drizzle/trade.ts#pricesIn"),
    ),
    wrong(
      "all events to count some",
      () => trade.everyEvent(db),
      problem("unbounded", "drizzle/trade.ts#everyEvent"),
    ),
    wrong(
      "a start page in turn",
      () => trade.startPage(db),
      problem("serial", "drizzle/trade.ts#startPage"),
    ),
  ];
}

function rightOnes(db: Drizzle): Handlers["handlers"] {
  return [
    right("relations by with", () => social.postsWithRelations(db)),
    right("inArray", () => social.postsByInArray(db)),
    right("group by", () => social.teamSizesGrouped(db)),
    right("superiors, each from the one below", () => social.superiors(db, 59)),
    right("the rate once", () => trade.pricesInOnce(db, "GBP")),
    right("pages by keys", () => trade.eventsInPages(db)),
    right("an order with its lines", () => trade.place(db, [4, 6, 7, 11, 12])),
    right("read, changed and written again", () => trade.bump(db, "setting 3")),
    right("a start page at once", () => trade.startPageAtOnce(db)),
  ];
}
