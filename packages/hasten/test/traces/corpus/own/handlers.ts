import { createDatabase } from "hasten/postgres";
import { type Handlers, problem, right, wrong } from "../handler.ts";
import * as shop from "./shop.ts";

export function ownHandlers(url: string): Handlers {
  const db = createDatabase({ url, pool: { max: 5 } });
  return {
    library: "hasten",
    handlers: [
      wrong(
        "a team for each user",
        () => shop.usersWithTeams(db),
        problem("n-plus-one", "own/shop.ts#usersWithTeams"),
      ),
      wrong(
        "pieces of each order, in a transaction",
        () => shop.pieces(db, [1, 2, 3, 4, 5, 6]),
        problem("n-plus-one", "own/shop.ts#pieces"),
      ),
      wrong(
        "the signed-in user again and again",
        () => shop.profile(db, 8),
        problem("duplicate", "own/shop.ts#currentUser", "own/shop.ts#profile"),
      ),
      right("byIds", () => shop.usersWithTeamsByIds(db)),
      right("loadMany", shop.usersWithTeamsLoaded(db)),
      right("a cache in a loop", shop.cachedTitles(db)),
      right("pages until there are enough", () => shop.fitting(db)),
    ],
    close: () => db.drain(),
  };
}
