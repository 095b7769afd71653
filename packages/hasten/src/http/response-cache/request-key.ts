/**
 * The key of a request, or why it has none.
 *
 * Invariants:
 * - `<name>:<scope>:<rest>`: scope is `-` or a hash, neither has a colon, so keys never collide.
 * - rest starts with `/` for a URL, `k` for a custom key, a blank before the values of `vary`: none
 *   can pose as another. Values and the route of a custom key carry their length.
 * - Identities, and fields that may hold one, enter the key hashed (SHA-256), never as they are.
 * - Two scopes never share a key, and nothing the client sends chooses the scope but its identity.
 */
import { hash } from "node:crypto";
import type { Key } from "../../cache/index.ts";
import { fieldValue } from "../field-record.ts";
import { queryKey } from "../query-key.ts";
import type { RoutePolicy } from "./options.ts";
import type { ExtendedRequest } from "./reads.ts";
import type { RequestFacts } from "./request-facts.ts";
import { selectingValue } from "./selecting.ts";
import type { VariantSet } from "./variants.ts";

export type EntryKey = Key<VariantSet>;

/** Longer URLs are not cached: a cache key has at most 2,048 characters. */
const URL_LENGTH_MAX = 1_800;
const SLASH = 47;
const SCOPES_REMEMBERED_MAX = 10_000;

/** The URL as the client sent it: routers shorten `url`. */
export function rawUrl(req: ExtendedRequest & { originalUrl?: string }): string {
  return req.originalUrl ?? req.url ?? "/";
}

/** The path of a URL as it stands, without its query. */
export function rawPath(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** The URL to key by; parameters outside the allow-list are taken from the handler as well. */
export function keyedUrl(
  { query }: RoutePolicy<never, never>,
  req: ExtendedRequest,
): string | undefined {
  const url = rawUrl(req);
  if (query === undefined) return url;
  const at = url.indexOf("?");
  const keyed = queryKey(at === -1 ? undefined : url.slice(at + 1), { allow: query });
  if (keyed.kind === "bypass") return undefined;
  const own = req.url ?? "/";
  const ownAt = own.indexOf("?");
  req.url = (ownAt === -1 ? own : own.slice(0, ownAt)) + keyed.key;
  return (at === -1 ? url : url.slice(0, at)) + keyed.key;
}

/** Why a request is not answered from the cache and does not fill it; undefined when it may. */
export function bypassReason(
  facts: RequestFacts,
  policy: RoutePolicy<never, never>,
): string | undefined {
  if (facts.unusual !== undefined) return facts.unusual;
  if (policy.scope !== undefined || policy.shared === true || policy.public === true) {
    return undefined;
  }
  if (facts.authorization) return "authorization";
  return facts.cookie ? "cookie" : undefined;
}

export interface RequestKeys {
  /** The entry's key, or a word saying why there is none. */
  of(req: ExtendedRequest, url: string, policy: RoutePolicy<ExtendedRequest>, route: string): Keyed;
  /** The key of a public URL. */
  front(url: string): EntryKey;
}

export type Keyed = EntryKey | { readonly bypass: string };

const NO_KEY: Keyed = { bypass: "key" };
const TOO_LONG: Keyed = { bypass: "uri-too-long" };
const URI_FORM: Keyed = { bypass: "uri-form" };
const NO_SCOPE: Keyed = { bypass: "scope" };

export function createRequestKeys(name: string): RequestKeys {
  const shared = `${name}:-:`;
  const hashes = new Map<string, string>();
  const scopeHash = (scope: string): string => {
    const known = hashes.get(scope);
    if (known !== undefined) return known;
    const made = hash("sha256", scope, "base64url");
    if (hashes.size >= SCOPES_REMEMBERED_MAX) hashes.clear();
    hashes.set(scope, made);
    return made;
  };
  return {
    front: (url) => shared + url,
    of(req, url, policy, route) {
      // An absolute URL, as sent to proxies, would be a second name for everything.
      if (url.charCodeAt(0) !== SLASH) return URI_FORM;
      const rest = policy.key === undefined ? url : customKey(policy.key(req), route);
      if (rest === undefined) return NO_KEY;
      if (rest.length > URL_LENGTH_MAX) return TOO_LONG;
      const own = policy.vary === undefined ? rest : varied(req, policy.vary) + rest;
      if (policy.scope === undefined) return shared + own;
      const scope = scopeOf(req, policy.scope);
      if (scope === undefined) return NO_SCOPE;
      return `${name}:${scopeHash(scope)}:${own}`;
    },
  };
}

/** Apart by route: two routes that use the same identifier mean two things. */
function customKey(key: unknown, route: string): string | undefined {
  const text = asText(key);
  return text === undefined ? undefined : `k${route.length}:${route}${text}`;
}

/** An object, a promise or null would turn into one text for everybody: that is no answer. */
function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

/** Length-prefixed, so that no value can pose as two. */
function varied(req: ExtendedRequest, names: readonly string[]): string {
  let key = "";
  for (const name of names) {
    const value = fieldValue(req.headers, name);
    const own = value === undefined ? undefined : selectingValue(name, value);
    key += own === undefined ? " -" : ` ${own.length}=${own}`;
  }
  return key;
}

/** What keeps this request apart; undefined when nobody can say who asks. */
export function scopeOf(
  req: ExtendedRequest,
  scope: NonNullable<RoutePolicy<ExtendedRequest>["scope"]>,
): string | undefined {
  if (typeof scope === "function") {
    const value = asText(scope(req));
    return value === undefined ? undefined : `f:${value}`;
  }
  const user = req.user;
  if (typeof user !== "object" || user === null) return undefined;
  return scope === "user" ? userScope(user) : roleScope(user);
}

function userScope(user: object): string | undefined {
  const id: unknown = Reflect.get(user, "id") ?? Reflect.get(user, "sub");
  return typeof id === "string" || typeof id === "number" || typeof id === "bigint"
    ? `u:${typeof id}:${id}`
    : undefined;
}

function roleScope(user: object): string | undefined {
  const role: unknown = Reflect.get(user, "role");
  if (typeof role === "string") return `r:${role}`;
  const roles: unknown = Reflect.get(user, "roles");
  if (!Array.isArray(roles)) return undefined;
  return `R:${JSON.stringify([...roles].map(String).sort())}`;
}
