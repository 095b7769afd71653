import type { OptionNames } from "../../core/known-options.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";
import { parseUrl } from "../url.ts";

/** What stands between the application and the server. */
export type PoolerMode = "none" | "session" | "transaction";

export interface PoolerOptions {
  /**
   * `"detect"`: each new connection asks the server for its process number; a pooler gives out
   * numbers of its own. What is found counts as `"transaction"`, the mode in which least is safe,
   * unless `adminUrl` tells that it is `"session"`.
   * @default "detect"
   */
  readonly mode?: "detect" | PoolerMode;
  /** PgBouncer's admin console, to learn its version and mode: `postgres://stats:…@host:6432/pgbouncer`. Never logged. @default none */
  readonly adminUrl?: string;
  /**
   * Whether it keeps prepared statements apart by client (PgBouncer 1.21 and newer with
   * max_prepared_statements above 0). @default what `adminUrl` tells, else false
   */
  readonly keepsNames?: boolean;
}

export interface ResolvedPooler {
  readonly mode: "detect" | PoolerMode;
  readonly adminUrl: string | undefined;
  readonly keepsNames: boolean | undefined;
}

const MODES: readonly unknown[] = ["detect", "none", "session", "transaction"];

const NAMES: OptionNames<PoolerOptions> = { mode: true, adminUrl: true, keepsNames: true };

/** @throws HST_PG_OPTION */
export function resolvePooler(
  given: PoolerOptions | PoolerOptions["mode"] | undefined,
): ResolvedPooler {
  const o: PoolerOptions = typeof given === "object" ? given : given ? { mode: given } : {};
  refuseUnknown("pooler", o, NAMES);
  const { mode = "detect", adminUrl, keepsNames } = o;
  if (!MODES.includes(mode)) throw optionInvalid("pooler", `one of ${MODES.join(", ")}`, mode);
  if (keepsNames !== undefined && typeof keepsNames !== "boolean")
    throw optionInvalid("pooler.keepsNames", "true or false", keepsNames);
  if (adminUrl !== undefined) parseUrl(adminUrl);
  return { mode, adminUrl, keepsNames };
}
