import type { IncomingMessage, ServerResponse } from "node:http";
import type { Cache } from "../../cache/index.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { SYNC_BYTES_MAX } from "../compress.ts";
import { optionInvalid, wholeNumber } from "../errors.ts";
import { CODING_PREFERENCE, type Coding } from "../negotiate.ts";
import { policyContradicts } from "./errors.ts";

/** What a request is kept apart by: who asks, what they may see, or what the function returns. */
export type Scope<Req> = "user" | "role" | ((req: Req) => string | undefined);

/** How the responses of one route are cached. All durations in milliseconds. */
export interface RoutePolicy<
  Req extends IncomingMessage = IncomingMessage,
  Res extends ServerResponse = ServerResponse,
> {
  /**
   * How long a response is fresh. A shorter life that the response states itself wins.
   * At most the cache's `ttlMaxMs`. @default 300_000
   */
  readonly ttlMs?: number;
  /** Lets `ttlMs` extend what the response says of itself. @default false */
  readonly override?: boolean;
  /**
   * Keeps answers apart: `"user"` by `req.user.id` (or `sub`), `"role"` by `req.user.role` (or
   * `roles`), or by what a function returns (hashed; `undefined` bypasses). Requests with
   * Authorization or Cookie are cached only with a scope or `shared`. @default none
   */
  readonly scope?: Scope<Req>;
  /** Everyone may get the same answer, whatever credentials they send. @default false */
  readonly shared?: boolean;
  /** Also answered in front mode, before the application runs. Implies `shared`. @default false */
  readonly public?: boolean;
  /** What the response depends on, asked after the handler ran. At most 60. @default none */
  readonly tags?: readonly string[] | ((req: Req, res: Res) => readonly string[]);
  /** The key instead of the URL; `undefined` bypasses. Not for `public`. @default the raw URL */
  readonly key?: (req: Req) => string | undefined;
  /** Parameters that matter: others are kept from key and handler. @default all, in their order */
  readonly query?: readonly string[];
  /** Request fields that become part of the key, so that the handler may read them. @default none */
  readonly vary?: readonly string[];
  /**
   * What becomes of an answer whose reads are not all understood, in a cache that tracks: it lives
   * by its `ttlMs` only, or is not stored. @default "ttl"
   */
  readonly untracked?: "ttl" | "bypass";
  /** Inputs the handler reads that do not change the answer, e.g. `"user-agent"`. @default none */
  readonly ignoreReads?: readonly string[];
  /** False bypasses this request. Asked on every request: keep it cheap. @default always */
  readonly when?: (req: Req) => boolean;
  /** After that, served stale while one refresh runs in the background. @default 0 */
  readonly staleWhileRevalidateMs?: number;
  /** After that, served stale where the handler fails with 5xx or throws. @default 0 */
  readonly staleIfErrorMs?: number;
  /** The longer name of `staleIfErrorMs`, as in `hasten/cache`; the larger counts. @default 0 */
  readonly graceMs?: number;
  /** How old an answer may be although a write invalidated it: bounds refills. @default 0 */
  readonly maxStaleMs?: number;
  /** Cache-Control towards clients where the handler sets none. @default "private, no-cache" */
  readonly clientCacheControl?: string;
  /** Names the route in reports. @default the route's path */
  readonly name?: string;
}

export interface ResponseCacheOptions {
  /** Holds the entries: its memory bounds, tags and invalidations apply. */
  readonly cache: Cache;
  /**
   * Answers drop out when what their handler read changes: its reads must go through watched
   * connections, and `requests()` be mounted first. @default false
   */
  readonly tracked?: boolean;
  /** How long an answer waits to be stored for queries that have not ended. @default 1_000 */
  readonly settleMs?: number;
  /** Part of every key: two response caches on one cache need two names. @default "http" */
  readonly name?: string;
  /** Larger bodies are not stored; 1 to 8 MB. @default 1 MiB */
  readonly maxEntryBytes?: number;
  /** Smaller bodies are never coded. @default 1024 */
  readonly codingThresholdBytes?: number;
  /** Up to this size a coding is made at once, above it off the event loop. @default 8 KiB on two cores */
  readonly syncCodingMaxBytes?: number;
  /** Hits after which codings are made again at their best level. 0 never. @default 100 */
  readonly upgradeAfterHits?: number;
  /** How long a request waits for another's handler before running its own. @default 5_000 */
  readonly coalesceWaitMs?: number;
  /** Requests that wait for one key; more run their own handler. @default 10_000 */
  readonly waitersMax?: number;
  /** Handlers of one key that run at once after a shared answer was not possible. @default 16 */
  readonly releasedMax?: number;
  /** How long a key whose answer could not be shared is not waited for. @default 10_000 */
  readonly uncoalescibleMs?: number;
  /** Refreshes in the background at once, over all keys. @default 8 */
  readonly refreshesMax?: number;
  /** Time a refresh in the background may take. @default 30_000 */
  readonly refreshTimeoutMs?: number;
  /** After a failed refresh, how long stale is served without asking again. @default 1_000 */
  readonly retryAfterMs?: number;
  /** Codings to offer, the best liked first. @default zstd, br, gzip, deflate */
  readonly codings?: readonly Coding[];
  /** @default systemClock */
  readonly clock?: Clock;
  /** Told once per route and cause. @default process.emitWarning */
  readonly onNotice?: (notice: Notice) => void;
}

/** Something about a route that its author should know. */
export interface Notice {
  readonly kind:
    | "bypassed"
    | "uncacheable"
    | "inline-only"
    | "not-refreshable"
    | "write-hot"
    | "not-invalidated"
    | "untracked";
  readonly route: string;
  readonly detail: string;
}

export type ResolvedOptions = Required<ResponseCacheOptions>;

export const VARIANTS_MAX = 16;
const ENTRY_BYTES_MAX = 8 * 1024 * 1024;
const DAY_MS = 86_400_000;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Name, default, least and most of each number. */
const NUMBERS = {
  maxEntryBytes: [1024 * 1024, 1, ENTRY_BYTES_MAX],
  codingThresholdBytes: [1_024, 0, ENTRY_BYTES_MAX],
  syncCodingMaxBytes: [SYNC_BYTES_MAX, 0, ENTRY_BYTES_MAX],
  upgradeAfterHits: [100, 0, 1_000_000_000],
  coalesceWaitMs: [5 * SECOND_MS, 0, MINUTE_MS],
  waitersMax: [10_000, 0, 100_000],
  releasedMax: [16, 1, 10_000],
  uncoalescibleMs: [10 * SECOND_MS, 0, 10 * MINUTE_MS],
  refreshesMax: [8, 0, 1_000],
  refreshTimeoutMs: [30 * SECOND_MS, 1, 10 * MINUTE_MS],
  retryAfterMs: [SECOND_MS, 0, 10 * MINUTE_MS],
  settleMs: [SECOND_MS, 0, MINUTE_MS],
} as const;

type NumberName = keyof typeof NUMBERS;

/** Checks the bounds and fills in the defaults. Throws HST_HTTP_OPTION. */
export function resolveOptions(options: ResponseCacheOptions): ResolvedOptions {
  const { cache, name = "http", clock = systemClock, onNotice = warn } = options;
  if (!/^[A-Za-z0-9_-]{1,48}$/.test(name)) {
    throw optionInvalid("name", "1 to 48 letters, digits, _ or -", name);
  }
  const numbers = {} as Record<NumberName, number>;
  for (const key of Object.keys(NUMBERS) as NumberName[]) {
    const [fallback, min, max] = NUMBERS[key];
    numbers[key] = wholeNumber(key, options[key], { min, max, fallback });
  }
  const { codings = CODING_PREFERENCE, tracked = false } = options;
  return { ...numbers, cache, name, tracked, codings, clock, onNotice };
}

/** Checks one route's policy. Throws HST_HTTP_OPTION and HST_HTTP_POLICY. */
export function checkPolicy(policy: RoutePolicy<never, never>): void {
  for (const name of DURATIONS) {
    const value = policy[name];
    wholeNumber(name, value, { min: name === "ttlMs" ? 1 : 0, max: 30 * DAY_MS, fallback: 0 });
  }
  const { scope, shared, key, untracked } = policy;
  if (untracked !== undefined && untracked !== "ttl" && untracked !== "bypass") {
    throw optionInvalid("untracked", '"ttl" or "bypass"', untracked);
  }
  if (scope !== undefined && scope !== "user" && scope !== "role" && typeof scope !== "function") {
    throw optionInvalid("scope", '"user", "role" or a function', scope);
  }
  if (scope !== undefined && (shared === true || policy.public === true)) {
    throw policyContradicts(
      "A route cannot have a scope and be shared or public.",
      "Drop scope if everyone may get the same answer, else drop shared and public.",
    );
  }
  if (policy.public === true && (key !== undefined || policy.when !== undefined)) {
    throw policyContradicts(
      "A public route is found by its URL before the application runs: key and when are not asked.",
      "Drop key and when, or drop public.",
    );
  }
}

const DURATIONS = [
  "ttlMs",
  "staleWhileRevalidateMs",
  "staleIfErrorMs",
  "graceMs",
  "maxStaleMs",
] as const;

function warn(notice: Notice): void {
  process.emitWarning(`${notice.route}: ${notice.detail}`, {
    type: "HastenWarning",
    code: `HST_HTTP_${notice.kind.toUpperCase().replace("-", "_")}`,
  });
}
