import { sql } from "hasten/postgres";
import { z } from "zod";
import { unauthorized } from "../http/problem.ts";
import { type Route, route } from "../http/route.ts";
import { users } from "./definitions.ts";
import { type Document, selectList } from "./document.ts";
import type { RouteParts } from "./item-routes.ts";
import { READ } from "./read-options.ts";

/** The caller's own user: cached for the caller alone. */
export function meRoute({ storage, policy }: RouteParts): Route {
  return route({
    method: "get",
    path: "/api/v1/me",
    summary: "Read your own user",
    tag: "auth",
    access: "viewer",
    query: z.strictObject({}),
    replies: { 200: { description: "You.", schema: users.output } },
    cache: policy.own(),
    async handle({ identity }) {
      const found = await storage
        .current()
        .queryOne<Document>(
          sql`select ${selectList(users)} from users where id = ${identity!.id}::uuid`,
          READ,
        );
      if (found === undefined) throw unauthorized("This user is gone.", "invalid_token");
      return { body: found };
    },
  });
}
