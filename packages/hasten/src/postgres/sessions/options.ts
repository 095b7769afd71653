import { type Clock, systemClock } from "../../core/clock.ts";
import type { OptionNames } from "../../core/known-options.ts";
import type { PgDriver } from "../driver.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";
import type { WatchedPool } from "../pool-watch/types.ts";
import { parseUrl } from "../url.ts";
import type { SessionEvent } from "./events.ts";
import { type ResolvedPolicy, resolvePolicy, type SessionPolicy } from "./policy.ts";

/** Options of `watchSessions`. Durations are milliseconds. */
export interface SessionsOptions {
  /** `postgres://…`. Never logged. */
  readonly url: string;
  /** The same database without a pooler in between: where the reserved connection goes. @default url */
  readonly directUrl?: string | undefined;
  /** How often the server is looked at; 100 to 3,600,000. @default 5_000 */
  readonly everyMs?: number | undefined;
  /** A transaction that is idle for this long is reported; 100 to 86,400,000. @default 60_000 */
  readonly idleInTransactionMs?: number | undefined;
  /** A statement that runs for this long is reported; 100 to 86,400,000. @default 5_000 */
  readonly longRunningMs?: number | undefined;
  /** A session that waits for a lock this long is reported, and who is in its way; 100 to 86,400,000. @default 5_000 */
  readonly blockedMs?: number | undefined;
  /**
   * Beginning of the application names of sessions that are the own: only these may be signalled.
   * @default the URL's application_name, or "hasten", the name that `createDatabase` gives
   */
  readonly applicationName?: string | undefined;
  /** When sessions are cancelled or ended. @default never */
  readonly policy?: SessionPolicy | undefined;
  /**
   * Watched pools of this process (`db.poolWatch`, `watchPool`): a session that one of them has is
   * told with the line and the request that took it. They must lead to the server without a pooler
   * in between; behind one process ids are not the server's, and nothing is joined.
   * @default none: of connections of `createDatabase` how long they are held
   */
  readonly pools?: readonly WatchedPool[] | (() => readonly WatchedPool[]) | undefined;
  /** Told of everything that the channel `hasten:postgres:session` is told. Must not throw. */
  readonly onEvent?: ((event: SessionEvent) => void) | undefined;
  /** The `pg` module, where a bundler hides it from `require`. */
  readonly driver?: PgDriver | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

export interface ResolvedSessions {
  readonly directUrl: string;
  readonly database: string;
  readonly everyMs: number;
  readonly idleInTransactionMs: number;
  readonly longRunningMs: number;
  readonly blockedMs: number;
  readonly policy: ResolvedPolicy | undefined;
  readonly pools: () => readonly WatchedPool[];
  readonly onEvent: ((event: SessionEvent) => void) | undefined;
  readonly driver: PgDriver | undefined;
  readonly clock: Clock;
}

const LEAST_MS = 100;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const NAMES: OptionNames<SessionsOptions> = {
  ...{ url: true, directUrl: true, everyMs: true, idleInTransactionMs: true, longRunningMs: true },
  ...{ blockedMs: true, applicationName: true, policy: true, pools: true, onEvent: true },
  ...{ driver: true, clock: true },
};

/** Fills in defaults and checks every bound. @throws HST_PG_OPTION, naming the option */
export function resolveSessions(o: SessionsOptions): ResolvedSessions {
  refuseUnknown("watchSessions", o, NAMES);
  const parts = parseUrl(o.directUrl ?? o.url);
  const own = o.applicationName ?? parseUrl(o.url).applicationName ?? "hasten";
  if (typeof own !== "string" || own === "" || Buffer.byteLength(own) > 63)
    throw optionInvalid("applicationName", "1 to 63 bytes", own);
  const bounded = (name: string, value: unknown, high = DAY_MS): number => {
    if (typeof value === "number" && value >= LEAST_MS && value <= high) return value;
    throw optionInvalid(name, `from ${LEAST_MS} to ${high}`, value);
  };
  return {
    directUrl: o.directUrl ?? o.url,
    database: parts.database ?? parts.user ?? "",
    everyMs: bounded("everyMs", o.everyMs ?? 5_000, HOUR_MS),
    idleInTransactionMs: bounded("idleInTransactionMs", o.idleInTransactionMs ?? 60_000),
    longRunningMs: bounded("longRunningMs", o.longRunningMs ?? 5_000),
    blockedMs: bounded("blockedMs", o.blockedMs ?? 5_000),
    policy: resolvePolicy(o.policy, own),
    // A number that a pooler made up may be that of another session.
    pools: o.directUrl === undefined || o.directUrl === o.url ? poolsOf(o.pools) : () => [],
    onEvent: o.onEvent,
    driver: o.driver,
    clock: o.clock ?? systemClock,
  };
}

const poolsOf = (given: SessionsOptions["pools"] = []): (() => readonly WatchedPool[]) =>
  typeof given === "function" ? given : () => given;
