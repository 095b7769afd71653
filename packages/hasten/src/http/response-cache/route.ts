import type { FreshnessPolicy } from "../freshness.ts";
import { checkPolicy, type Notice, type ResolvedOptions, type RoutePolicy } from "./options.ts";
import { type Covered, type ExtendedRequest, readsOf } from "./reads.ts";

/** A route's policy as the engine sees it, whatever the framework's request type. */
export type AnyPolicy = RoutePolicy<ExtendedRequest>;

/** What is known about one cached route while the process lives. */
export interface Route {
  readonly policy: AnyPolicy;
  readonly freshness: FreshnessPolicy;
  readonly queryAllowed: ReadonlySet<string> | undefined;
  /** Where it is mounted, as soon as a request came. */
  name: string;
  /** The fields of other middleware at the first fill: front mode needs them to be constant. */
  surroundings: string | undefined;
  inlineOnly: boolean;
  refreshable: boolean;
  hits: number;
  fills: number;
  readonly noticed: Set<string>;
}

const TTL_MS = 300_000;
const NOTICES_PER_ROUTE_MAX = 32;

/** Checks the policy and prepares what does not depend on a request. */
export function createRoute(given: AnyPolicy): Route {
  checkPolicy(given);
  // As requests have their fields: a name in capitals would be found in none, and be in no key.
  const policy =
    given.vary === undefined
      ? given
      : { ...given, vary: given.vary.map((name) => name.toLowerCase()) };
  const { ttlMs = TTL_MS, override, staleWhileRevalidateMs, staleIfErrorMs, graceMs } = policy;
  const staleMs = Math.max(staleIfErrorMs ?? 0, graceMs ?? 0);
  return {
    policy,
    freshness: {
      ttlMs,
      override,
      staleWhileRevalidateMs,
      staleIfErrorMs: staleMs,
      identityInKey: policy.scope !== undefined || policy.shared === true || policy.public === true,
    },
    queryAllowed: policy.query === undefined ? undefined : new Set(policy.query),
    name: policy.name ?? "",
    surroundings: undefined,
    inlineOnly: false,
    refreshable: true,
    hits: 0,
    fills: 0,
    noticed: new Set(),
  };
}

/** Tells the author once per cause. */
export function notice(
  route: Route,
  options: ResolvedOptions,
  kind: Notice["kind"],
  detail: string,
): void {
  // How write-hot a route is differs each time it is seen: that it is, is told once.
  const cause = kind === "write-hot" ? kind : `${kind} ${detail}`;
  if (route.noticed.has(cause) || route.noticed.size >= NOTICES_PER_ROUTE_MAX) return;
  route.noticed.add(cause);
  options.onNotice({ kind, route: route.name, detail });
}

/** What the handler may read: inputs of this request's key, and those its answer varies on. */
export function coveredReads(
  route: Route,
  req: ExtendedRequest,
  varied: readonly string[],
): Covered {
  const { scope, key, vary = [], ignoreReads = [] } = route.policy;
  const names = new Set<string>(
    [...vary, ...ignoreReads, ...varied].map((name) => name.toLowerCase()),
  );
  if (typeof scope === "function")
    for (const name of readsOf(req, () => scope(req))) names.add(name);
  if (key !== undefined) for (const name of readsOf(req, () => key(req))) names.add(name);
  return { scope: typeof scope === "function" ? "other" : scope, names };
}
