import { observe } from "hasten/postgres";
import pg from "pg";
import { type Handler, type Handlers, problem, right, wrong } from "../handler.ts";
import { feed, freeSlug, listPosts, listPostsInPortions, tagClouds } from "./blog.ts";
import { bestsellers, prices, pricesOnce, subtree, subtreeAtOnce } from "./catalog.ts";
import { DocumentPage, titles, visibleDocuments, whole } from "./documents.ts";
import {
  correspondents,
  describeTables,
  importUsers,
  ready,
  remind,
  unsteadyTotal,
  untilDone,
  userOf,
} from "./errands.ts";
import { execute } from "./graph.ts";
import { OrderService } from "./orders.ts";
import { allEvents, commentsByStream, countKinds, ordersByCursor } from "./reading.ts";
import { settingOf, UserRepository } from "./repositories.ts";

const TEN = Array.from({ length: 10 }, (_none, place) => place + 1);

export function pgHandlers(url: string): Handlers {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  observe(pool);
  return {
    library: "pg",
    handlers: [...wrongOnes(pool), ...rightOnes(pool)],
    close: () => pool.end(),
  };
}

function wrongOnes(pool: pg.Pool): readonly Handler[] {
  const orders = new OrderService(pool);
  const users = new UserRepository(pool);
  const nPlusOne = (...at: string[]) => problem("n-plus-one", ...at);
  return [
    wrong("lines of each order", () => orders.recent(), nPlusOne("pg/orders.ts#recent")),
    wrong(
      "author of each post through a repository, side by side",
      () => listPosts(pool, users),
      nPlusOne("pg/repositories.ts#findById", "pg/blog.ts#listPosts"),
    ),
    wrong(
      "comments of each post, author of each comment",
      () => feed(pool),
      nPlusOne("pg/blog.ts#feed"),
      nPlusOne("pg/blog.ts#feed"),
    ),
    wrong("tags of each post, allSettled", () => tagClouds(pool), nPlusOne("pg/blog.ts#tagsOf")),
    wrong(
      "posts of each user by a resolver",
      () => execute(pool, ["name", "posts"]),
      nPlusOne("pg/graph.ts#posts"),
    ),
    wrong("a tree by recursion", () => subtree(pool, 1), nPlusOne("pg/catalog.ts#subtree")),
    wrong("three at a time", () => bestsellers(pool), nPlusOne("pg/catalog.ts#bestsellers")),
    wrong(
      "a permission for each document",
      () => visibleDocuments(pool, 3),
      nPlusOne("pg/documents.ts#mayRead", "pg/documents.ts#visibleDocuments"),
    ),
    wrong(
      "a cursor for each customer",
      () => ordersByCursor(pool, TEN),
      nPlusOne("pg/reading.ts#ordersByCursor"),
    ),
    wrong(
      "a stream for each post",
      () => commentsByStream(pool, TEN),
      nPlusOne("pg/reading.ts#commentsByStream"),
    ),
    wrong(
      "a sum for each customer, in a transaction",
      () => orders.statement(TEN),
      nPlusOne("pg/orders.ts#statement"),
    ),
    wrong(
      "the user, looked up by every layer",
      () => new DocumentPage(pool, users).show(5, 7),
      problem("duplicate", "pg/repositories.ts#findById", "pg/documents.ts#show"),
    ),
    wrong(
      "a setting for each product, always the same",
      prices(pool, settingOf(pool)),
      problem("duplicate", "pg/repositories.ts#settingOf", "pg/catalog.ts#prices"),
    ),
    wrong(
      "counts one after the other",
      () => orders.dashboard(),
      problem("serial", "pg/orders.ts#dashboard"),
    ),
    wrong("all events", () => allEvents(pool), problem("unbounded", "pg/reading.ts#allEvents")),
    wrong(
      "contents for a list of titles",
      () => titles(pool),
      problem("select-everything", "pg/documents.ts#titles"),
    ),
  ];
}

function rightOnes(pool: pg.Pool): readonly Handler[] {
  const orders = new OrderService(pool);
  const users = new UserRepository(pool);
  const people = TEN.map((n) => ({ id: 900 + n, email: `new${n}@example.com` }));
  return [
    right("lines by a join", () => orders.recentJoined()),
    right("lines by any($1)", () => orders.recentBatched()),
    right("portions of IN lists", () => listPostsInPortions(pool, users)),
    right("a DataLoader in a resolver", () => execute(pool, ["name", "team"])),
    right("a checkout in a transaction", () =>
      orders.checkout(
        3,
        new Map([
          [1, 2],
          [2, 1],
          [5, 1],
          [8, 3],
          [9, 1],
        ]),
      ),
    ),
    right("two constant states", () => orders.board()),
    right("a chain of look-ups", () => orders.detail(12)),
    right("an export by keys", async () => {
      for await (const order of orders.export()) if (order.id < 0) break;
    }),
    right("a tree at once", () => subtreeAtOnce(pool, 1)),
    right("a setting asked for once", pricesOnce(pool, settingOf(pool))),
    right("one document with everything", () => whole(pool, 3)),
    right("one cursor in portions", () => countKinds(pool)),
    right("asked again after failures", () => unsteadyTotal(pool)),
    right("polling", () => untilDone(pool, 1)),
    right("a free slug", () => freeSlug(pool, "post")),
    right("an import", () => importUsers(pool, people)),
    right("the catalog", () => describeTables(pool)),
    right("LISTEN and a health check", () => ready(pool)),
    right("two people", () => correspondents(pool)),
    right("one look-up in each of many requests", () => userOf(pool, 8), { times: 12 }),
    right("a job over a list", () => remind(pool), { kind: "job" }),
  ];
}
