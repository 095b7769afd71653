import type { IncomingMessage, ServerResponse } from "node:http";
import type { Cache } from "../../cache/index.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { optionInvalid, optionsContradict } from "./errors.ts";

/** What a request is kept apart by: who asks, what they may see, or what the function returns. */
export type Scope<Req> = "user" | "role" | ((req: Req) => string | undefined);

/** How the responses of one route are cached. All durations in milliseconds. */
export interface RoutePolicy<
  Req extends IncomingMessage = IncomingMessage,
  Res extends ServerResponse = ServerResponse,
> {
  /**
   * How long a response is fresh. A shorter life that the response states itself wins.
   * 1 to the cache's `ttlMaxMs`. @default the cache's ttlMs
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
  /** Part of every key: two response caches on one cache need two names. @default "http" */
  readonly name?: string;
  /** Larger bodies are not stored; 1 to 8 MB. @default 1 MiB */
  readonly maxEntryBytes?: number;
  /** Smaller bodies are never coded. @default 1024 */
  readonly codingThresholdBytes?: number;
  /** Up to this size a coding is made at once, above it off the event loop. @default 16 KiB */
  readonly syncCodingMaxBytes?: number;
  /** Hits after which codings are made again at their best level. 0 never. @default 100 */
  readonly upgradeAfterHits?: number;
  /** How long a request waits for another's handler before running its own. @default 5_000 */
  readonly coalesceWaitMs?: number;
  /** Requests that wait for one key; more run their own handler. @default 1_000 */
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
  /** @default systemClock */
  readonly clock?: Clock;
  /** Told once per route and cause. @default process.emitWarning */
  readonly onNotice?: (notice: Notice) => void;
}

/** Something about a route that its author should know. */
export interface Notice {
  readonly kind: "bypassed" | "uncacheable" | "inline-only" | "not-refreshable" | "write-hot";
  readonly route: string;
  readonly detail: string;
}

export type ResolvedOptions = Required<ResponseCacheOptions>;

export const VARIANTS_MAX = 16;
const ENTRY_BYTES_MAX = 8 * 1024 * 1024;
const DAY_MS = 86_400_000;

/** Checks the bounds and fills in the defaults. Throws HST_HTTP_OPTION. */
export function resolveOptions(options: ResponseCacheOptions): ResolvedOptions {
  const {
    cache,
    name = "http",
    maxEntryBytes = 1024 * 1024,
    codingThresholdBytes = 1_024,
    syncCodingMaxBytes = 16 * 1024,
    upgradeAfterHits = 100,
    coalesceWaitMs = 5_000,
    waitersMax = 1_000,
    releasedMax = 16,
    uncoalescibleMs = 10_000,
    refreshesMax = 8,
    refreshTimeoutMs = 30_000,
    retryAfterMs = 1_000,
    clock = systemClock,
    onNotice = warn,
  } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw optionInvalid("name", "1 to 64 letters, digits, _ or -", name);
  }
  checkInteger("maxEntryBytes", maxEntryBytes, 1, ENTRY_BYTES_MAX);
  checkInteger("codingThresholdBytes", codingThresholdBytes, 0, ENTRY_BYTES_MAX);
  checkInteger("syncCodingMaxBytes", syncCodingMaxBytes, 0, ENTRY_BYTES_MAX);
  checkInteger("upgradeAfterHits", upgradeAfterHits, 0, 1e9);
  checkInteger("coalesceWaitMs", coalesceWaitMs, 0, 60_000);
  checkInteger("waitersMax", waitersMax, 0, 100_000);
  checkInteger("releasedMax", releasedMax, 1, 10_000);
  checkInteger("uncoalescibleMs", uncoalescibleMs, 0, 600_000);
  checkInteger("refreshesMax", refreshesMax, 0, 1_000);
  checkInteger("refreshTimeoutMs", refreshTimeoutMs, 1, 600_000);
  checkInteger("retryAfterMs", retryAfterMs, 0, 600_000);
  return {
    cache,
    name,
    maxEntryBytes,
    codingThresholdBytes,
    syncCodingMaxBytes,
    upgradeAfterHits,
    coalesceWaitMs,
    waitersMax,
    releasedMax,
    uncoalescibleMs,
    refreshesMax,
    refreshTimeoutMs,
    retryAfterMs,
    clock,
    onNotice,
  };
}

/** Checks one route's policy. Throws HST_HTTP_OPTION and HST_HTTP_POLICY. */
export function checkPolicy(policy: RoutePolicy<never, never>): void {
  for (const name of DURATIONS) {
    const value = policy[name];
    if (value !== undefined) checkInteger(name, value, name === "ttlMs" ? 1 : 0, 30 * DAY_MS);
  }
  const { scope, shared, key } = policy;
  if (scope !== undefined && scope !== "user" && scope !== "role" && typeof scope !== "function") {
    throw optionInvalid("scope", '"user", "role" or a function', scope);
  }
  if (scope !== undefined && (shared === true || policy.public === true)) {
    throw optionsContradict(
      "A route cannot have a scope and be shared or public.",
      "Drop scope if everyone may get the same answer, else drop shared and public.",
    );
  }
  if (policy.public === true && (key !== undefined || policy.when !== undefined)) {
    throw optionsContradict(
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

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw optionInvalid(name, `an integer from ${min} to ${max}`, value);
  }
}

function warn(notice: Notice): void {
  process.emitWarning(`${notice.route}: ${notice.detail}`, {
    type: "HastenWarning",
    code: `HST_HTTP_${notice.kind.toUpperCase().replace("-", "_")}`,
  });
}
