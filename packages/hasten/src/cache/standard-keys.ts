import { createHash } from "node:crypto";
import { serialize } from "node:v8";
import { defineKey, type Key, type Segment } from "./keys.ts";

const users = defineKey("user", (id: Segment) => [id]).of<unknown>();
const allUsers = defineKey("users", () => []).of<unknown>();
const responses = defineKey("response", (path: string, query: string) => [
  path,
  query,
]).of<unknown>();
const queries = defineKey("query", (text: string, values: string) => [text, values]).of<unknown>();
const rateLimits = defineKey("rate-limit", (address: string) => [address]).of<number>();

/** One user: `user:7`. */
export function userKey<V>(id: Segment): Key<V> {
  return users(id) as Key<V>;
}

/** The list of all users: `users`. */
export function allUsersKey<V>(): Key<V> {
  return allUsers() as Key<V>;
}

/**
 * The response of an API path and its query, whatever the order of the parameters:
 * `response:/api/orders:limit=20&page=1`. Long ones are hashed (SHA-256).
 */
export function apiResponseKey<V>(
  path: string,
  query: URLSearchParams | Readonly<Record<string, string | readonly string[]>> = {},
): Key<V> {
  const parameters = query instanceof URLSearchParams ? query : parametersOf(query);
  const sorted = new URLSearchParams(parameters);
  sorted.sort();
  return responses(short(path), short(sorted.toString())) as Key<V>;
}

/** The result of a statement and its parameters, by their SHA-256: `query:<hash>:<hash>`. */
export function queryResultKey<V>(text: string, values: readonly unknown[] = []): Key<V> {
  const parameters = values.length === 0 ? "" : sha256(serialize(values));
  return queries(sha256(text), parameters) as Key<V>;
}

/** The counter of one client address: `rate-limit:192.0.2.1`. */
export function rateLimitKey(address: string): Key<number> {
  return rateLimits(address);
}

function parametersOf(
  query: Readonly<Record<string, string | readonly string[]>>,
): [string, string][] {
  return Object.entries(query).flatMap(([name, value]) =>
    typeof value === "string"
      ? [[name, value] as [string, string]]
      : value.map((one): [string, string] => [name, one]),
  );
}

const READABLE_MAX = 512;

function short(text: string): string {
  return text.length <= READABLE_MAX ? text : `sha256=${sha256(text)}`;
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64url");
}
