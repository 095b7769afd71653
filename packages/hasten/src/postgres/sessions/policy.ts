import type { OptionNames } from "../../core/known-options.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";

/** How long something may last until it is ended. Milliseconds, 100 to 86,400,000. */
export interface SessionLimits {
  /** Cancels the statement: the session and, outside a transaction, its work so far go on. @default never */
  readonly cancelMs?: number | undefined;
  /**
   * Ends the session, and with it its transaction. With `cancelMs` only after a cancel did not help.
   * @default never
   */
  readonly terminateMs?: number | undefined;
}

/** What is ended, and whose. Nothing that is not named here is. */
export interface SessionPolicy {
  /** Decides, tells and counts as if it did, and signals nobody. @default false */
  readonly dryRun?: boolean | undefined;
  /** Sessions that hold a transaction and do nothing. Cancelling does nothing to them. @default never */
  readonly idleInTransaction?: Pick<SessionLimits, "terminateMs"> | undefined;
  /** Statements that run; those that wait for a lock do not. @default never */
  readonly longRunning?: SessionLimits | undefined;
  /** Sessions that keep others waiting and wait for nobody; by the longest of those waits. @default never */
  readonly blocking?: SessionLimits | undefined;
  /** Most signals within 60 seconds; what is beyond waits for a later look. 1 to 60. @default 3 */
  readonly perMinute?: number | undefined;
  /** Roles beside that of the connection. @default none */
  readonly roles?: readonly string[] | undefined;
  /** Beginnings of application names beside the own. @default none */
  readonly applicationNames?: readonly string[] | undefined;
}

export type PolicyKind = "idle-in-transaction" | "long-running" | "blocking";

export interface ResolvedPolicy {
  readonly dryRun: boolean;
  readonly limits: Readonly<Record<PolicyKind, SessionLimits>>;
  readonly perMinute: number;
  /** Beside the connection's own. */
  readonly roles: readonly string[];
  /** Beginnings, the own included. */
  readonly applicationNames: readonly string[];
}

const LIMIT_MS_MIN = 100;
const DAY_MS = 86_400_000;
const PER_MINUTE = 3;
const PER_MINUTE_MAX = 60;
const NAMES_MAX = 100;

const NAMES: OptionNames<SessionPolicy> = {
  ...{ dryRun: true, idleInTransaction: true, longRunning: true, blocking: true },
  ...{ perMinute: true, roles: true, applicationNames: true },
};
const LIMIT_NAMES: OptionNames<SessionLimits> = { cancelMs: true, terminateMs: true };

/** @throws HST_PG_OPTION, naming the option */
export function resolvePolicy(
  policy: SessionPolicy | undefined,
  own: string,
): ResolvedPolicy | undefined {
  if (policy === undefined) return undefined;
  refuseUnknown("policy", policy, NAMES);
  const { dryRun = false, perMinute = PER_MINUTE } = policy;
  if (typeof dryRun !== "boolean") throw optionInvalid("policy.dryRun", "true or false", dryRun);
  if (!Number.isInteger(perMinute) || perMinute < 1 || perMinute > PER_MINUTE_MAX)
    throw optionInvalid("policy.perMinute", `an integer from 1 to ${PER_MINUTE_MAX}`, perMinute);
  const { cancelMs, ...idle }: SessionLimits = policy.idleInTransaction ?? {};
  if (cancelMs !== undefined)
    throw optionInvalid(
      "policy.idleInTransaction",
      "without cancelMs: there is no statement to cancel",
      cancelMs,
    );
  return {
    dryRun,
    perMinute,
    limits: {
      "idle-in-transaction": checked("idleInTransaction", idle),
      "long-running": checked("longRunning", policy.longRunning ?? {}),
      blocking: checked("blocking", policy.blocking ?? {}),
    },
    roles: names("roles", policy.roles ?? []),
    applicationNames: [own, ...names("applicationNames", policy.applicationNames ?? [])],
  };
}

function checked(kind: string, limits: SessionLimits): SessionLimits {
  refuseUnknown(`policy.${kind}`, limits, LIMIT_NAMES);
  const { cancelMs, terminateMs } = limits;
  for (const [name, value] of Object.entries({ cancelMs, terminateMs }))
    if (value !== undefined && !(value >= LIMIT_MS_MIN && value <= DAY_MS))
      throw optionInvalid(`policy.${kind}.${name}`, `from ${LIMIT_MS_MIN} to ${DAY_MS}`, value);
  if (cancelMs !== undefined && terminateMs !== undefined && terminateMs < cancelMs)
    throw optionInvalid(`policy.${kind}.terminateMs`, "at least cancelMs", terminateMs);
  return { cancelMs, terminateMs };
}

/** An empty name would be the beginning of every name. */
function names(option: string, given: readonly string[]): readonly string[] {
  const fine = (name: unknown): boolean =>
    typeof name === "string" && name !== "" && Buffer.byteLength(name) <= 63;
  if (!Array.isArray(given) || given.length > NAMES_MAX || !given.every(fine))
    throw optionInvalid(
      `policy.${option}`,
      `at most ${NAMES_MAX} names of 1 to 63 bytes`,
      typeof given,
    );
  return given;
}
