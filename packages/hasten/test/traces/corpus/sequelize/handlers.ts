import { observe } from "hasten/postgres";
import type { Sequelize } from "sequelize";
import { type Handlers, problem, right, wrong } from "../handler.ts";
import { openSequelize } from "./models.ts";
import * as people from "./people.ts";
import * as sales from "./sales.ts";

export function sequelizeHandlers(url: string): Handlers {
  const sequelize = openSequelize(url);
  observe(sequelize);
  return {
    library: "Sequelize",
    handlers: [...wrongOnes(sequelize), ...rightOnes(sequelize)],
    close: () => sequelize.close(),
  };
}

function wrongOnes(sequelize: Sequelize): Handlers["handlers"] {
  const teams = new people.TeamRepository();
  const menu = ["admin/a", "admin/b", "home", "admin/c", "admin/d"];
  return [
    wrong(
      "getPosts() of each user",
      () => people.usersWithPosts(),
      problem("n-plus-one", "sequelize/people.ts#usersWithPosts"),
    ),
    wrong(
      "getAuthor() of each post, side by side",
      () => people.postsWithAuthors(),
      problem("n-plus-one", "sequelize/people.ts#postsWithAuthors"),
    ),
    wrong(
      "a team for each user through a repository",
      () => people.directory(teams),
      problem("n-plus-one", "sequelize/people.ts#byId", "sequelize/people.ts#directory"),
    ),
    wrong(
      "a sum for each order by sequelize.query",
      () => sales.orderValues(sequelize),
      problem("n-plus-one", "sequelize/sales.ts#orderValues"),
    ),
    wrong(
      "each product in a transaction",
      () => sales.stockOf(sequelize, [1, 2, 3, 4, 5, 6, 7]),
      problem("n-plus-one", "sequelize/sales.ts#stockOf"),
    ),
    wrong(
      "a product for each line, side by side",
      () => sales.lines([1, 2, 3, 4, 5, 6, 7, 8]),
      problem("n-plus-one", "sequelize/sales.ts#lines"),
    ),
    wrong(
      "a flag for each item",
      () => people.menu(menu),
      problem("duplicate", "sequelize/people.ts#flag", "sequelize/people.ts#menu"),
    ),
    wrong(
      "all events to number them",
      () => people.numberOfEvents(),
      problem("unbounded", "sequelize/people.ts#numberOfEvents"),
    ),
    wrong(
      "counts in turn",
      () => sales.overview(),
      problem("serial", "sequelize/sales.ts#overview"),
    ),
  ];
}

function rightOnes(sequelize: Sequelize): Handlers["handlers"] {
  const teams = new people.TeamRepository();
  const newcomers = [1, 2, 3, 4, 5].map((n) => ({ id: 700 + n, email: `s${n}@example.com` }));
  return [
    right("include", () => people.usersIncludingPosts()),
    right("include, separate", () => people.usersSeparate()),
    right("findAll with Op.in", () => people.directoryBatched(teams)),
    right("group by", () => sales.orderValuesGrouped(sequelize)),
    right("findOrCreate", () => people.register(newcomers)),
    right("the boss of the boss", () => people.bossOfBoss(50)),
    right("a count", () => people.countedEvents()),
    right("titles only", () => people.documentTitles()),
    right("an order under locks", () => sales.buy(sequelize, [21, 22, 23, 24])),
    right("an export by keys", () => sales.exportOrders()),
    right("two counts", () => sales.smallOverview()),
  ];
}
