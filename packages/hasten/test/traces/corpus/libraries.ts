import { drizzleHandlers } from "./drizzle/handlers.ts";
import type { Handlers } from "./handler.ts";
import { knexHandlers } from "./knex/handlers.ts";
import { kyselyHandlers } from "./kysely/handlers.ts";
import { ownHandlers } from "./own/handlers.ts";
import { pgHandlers } from "./pg/handlers.ts";
import { sequelizeHandlers } from "./sequelize/handlers.ts";

export const openAll = (url: string): readonly Handlers[] =>
  [pgHandlers, drizzleHandlers, kyselyHandlers, sequelizeHandlers, knexHandlers, ownHandlers].map(
    (open) => open(url),
  );
