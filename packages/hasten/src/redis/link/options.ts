import { type Clock, systemClock } from "../../core/clock.ts";
import { RedisError } from "../errors.ts";

/** Durations are milliseconds. */
export interface LinkOptions {
  /** Any key of the slot that will be used: decides the server in a cluster. @default "" */
  readonly key?: string;
  /** For events and messages. @default "redis" */
  readonly name?: string;
  /** A command that is not answered by then rejects. @default 250 */
  readonly timeoutMs?: number;
  /** @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** Before the n-th attempt to reconnect: n times this, with jitter. @default 50 */
  readonly retryDelayMs?: number;
  /** @default 2_000 */
  readonly retryDelayMaxMs?: number;
  /** After so many failed attempts in a row it gives up and stays as it is. @default no limit */
  readonly retriesMax?: number;
  /** A connection whose server does not answer a PING in this time is replaced. @default 1_000 */
  readonly probeTimeoutMs?: number;
  /** How often the server is asked whether it is still the master. @default 250 */
  readonly roleCheckMs?: number;
  /** Calls under way; more reject at once (HST_REDIS_BUSY). @default 10_000 */
  readonly callsMax?: number;
  readonly clock?: Clock;
}

export type CheckedLinkOptions = Required<LinkOptions>;

interface Bound {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const MINUTE_MS = 60_000;

const BOUNDS = {
  timeoutMs: { default: 250, min: 1, max: MINUTE_MS },
  connectTimeoutMs: { default: 10_000, min: 10, max: 10 * MINUTE_MS },
  retryDelayMs: { default: 50, min: 1, max: MINUTE_MS },
  retryDelayMaxMs: { default: 2_000, min: 1, max: 10 * MINUTE_MS },
  retriesMax: { default: Number.POSITIVE_INFINITY, min: 0, max: Number.POSITIVE_INFINITY },
  probeTimeoutMs: { default: 1_000, min: 10, max: 10 * MINUTE_MS },
  roleCheckMs: { default: 250, min: 10, max: 10 * MINUTE_MS },
  callsMax: { default: 10_000, min: 1, max: 10_000_000 },
} as const satisfies Readonly<Record<string, Bound>>;

export function checkedLinkOptions(options: LinkOptions): CheckedLinkOptions {
  const number = (name: keyof typeof BOUNDS): number => within(name, options[name], BOUNDS[name]);
  return {
    key: options.key ?? "",
    name: options.name ?? "redis",
    timeoutMs: number("timeoutMs"),
    connectTimeoutMs: number("connectTimeoutMs"),
    retryDelayMs: number("retryDelayMs"),
    retryDelayMaxMs: number("retryDelayMaxMs"),
    retriesMax: number("retriesMax"),
    probeTimeoutMs: number("probeTimeoutMs"),
    roleCheckMs: number("roleCheckMs"),
    callsMax: number("callsMax"),
    clock: options.clock ?? systemClock,
  };
}

function within(name: string, value: number | undefined, bound: Bound): number {
  const number = value ?? bound.default;
  const isWhole = Number.isInteger(number) || number === Number.POSITIVE_INFINITY;
  if (isWhole && number >= bound.min && number <= bound.max) return number;
  throw new RedisError(
    "HST_REDIS_OPTION",
    `\`${name}\` is ${String(number)}; it must be a whole number from ${bound.min} to ${bound.max}.`,
  );
}

/** Wait before an attempt: grows with each, capped, and spread over its upper half. */
export function retryDelayMs(
  options: CheckedLinkOptions,
  attempt: number,
  random: number = Math.random(),
): number {
  const longest = Math.min(options.retryDelayMaxMs, options.retryDelayMs * attempt);
  return longest * (0.5 + random / 2);
}
