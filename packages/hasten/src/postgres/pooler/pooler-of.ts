import type { ResolvedOptions } from "../options.ts";
import { modeOf, onConsole } from "./admin.ts";
import { createPooler, type Pooler } from "./pooler.ts";

/** The pooler in front of one database, as its options say. */
export function poolerOf(options: ResolvedOptions, onFound: (because: string) => void): Pooler {
  const { pooler, statementTimeoutMs, target, driver, pool } = options;
  const { adminUrl } = pooler;
  const user = target.user ?? process.env["PGUSER"] ?? "";
  const database = target.database ?? process.env["PGDATABASE"] ?? user;
  const timeoutMs = pool.connectTimeoutMs;
  const askAdmin =
    adminUrl === undefined
      ? undefined
      : () => onConsole({ adminUrl, driver, timeoutMs }, (ask) => modeOf(ask, { database, user }));
  return createPooler(pooler, { statementTimeoutMs, onFound, askAdmin });
}
