/**
 * What an entry of the log says. JSON, which holds any string (lone surrogates are escaped).
 *
 * Invariant: hostile or foreign bytes give `undefined`, never an exception; who reads the log takes
 * that as "everything may have been invalidated".
 */
import type { InvalidatedNames } from "./types.ts";

export type LogBody =
  | ({ readonly kind: "invalidated"; readonly node: string } & InvalidatedNames)
  /** Who waits for these keys may read again. */
  | { readonly kind: "wake"; readonly keys: readonly string[] };

const LETTERS = { deleted: "d", expired: "x", cleared: "c" } as const;
const HOW = { d: "deleted", x: "expired", c: "cleared" } as const;

export function encodeInvalidated(node: string, names: InvalidatedNames): Buffer {
  const { how, keys, tags, prefixes } = names;
  return Buffer.from(JSON.stringify([node, LETTERS[how], keys, tags, prefixes]));
}

export function encodeWake(keys: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify({ w: keys }));
}

export function decodeLogBody(bytes: Buffer): LogBody | undefined {
  let said: unknown;
  try {
    said = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(said)) return wake(said);
  const [node, letter, keys, tags, prefixes] = said as unknown[];
  const how = typeof letter === "string" && Object.hasOwn(HOW, letter) ? letter : undefined;
  if (typeof node !== "string" || how === undefined) return undefined;
  if (!isStrings(keys) || !isStrings(tags) || !isStrings(prefixes)) return undefined;
  return { kind: "invalidated", node, how: HOW[how as keyof typeof HOW], keys, tags, prefixes };
}

function wake(said: unknown): LogBody | undefined {
  if (typeof said !== "object" || said === null) return undefined;
  const keys: unknown = (said as { readonly w?: unknown }).w;
  return isStrings(keys) ? { kind: "wake", keys } : undefined;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
