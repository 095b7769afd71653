/**
 * What things are called in Redis.
 *
 * Invariants:
 * - Injective: different (key prefix, namespace, shard, kind, text) give different names, whatever
 *   characters the texts have. Text that is well-formed UTF-16 stands as it is under a small letter;
 *   the rest, which UTF-8 cannot hold, stands escaped under the capital.
 * - Everything of one shard has the same hash tag, so it lies in one slot of a cluster.
 * - `1` in the name is the version of the wire: another version shares nothing with it.
 */
export const WIRE_VERSION = "1";

export interface SpaceOptions {
  /** Before everything, to tell applications apart. */
  readonly keyPrefix: string;
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
}

/** What all names of a shard begin with: `app:1:{users}:`, or `app:1:{users#3}:` of several. */
export function spaceOf({ keyPrefix, namespace, shard, shards }: SpaceOptions): string {
  // An empty hash tag would be none.
  const name = namespace === "" ? "%" : escapeBraces(namespace);
  const tag = shards > 1 ? `${name}#${shard}` : name;
  return `${escapeBraces(keyPrefix)}${WIRE_VERSION}:{${tag}}:`;
}

const SURROGATE = "[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]";
const BRACES = new RegExp(`[{}%#]|${SURROGATE}`, "g");
const ILL_FORMED = new RegExp(`%|${SURROGATE}`, "g");
const ESCAPE = /%(25|u[0-9a-f]{4})/g;

function escapeBraces(text: string): string {
  return text.replace(BRACES, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x80 ? `%${code.toString(16)}` : `%u${code.toString(16)}`;
}

/** `k:…`: a key among marks; its entry and its lease have other letters (`entryName`). */
export const keyName = (key: string): string => named("k", key);
export const tagName = (tag: string): string => named("t", tag);
export const prefixName = (prefix: string): string => named("p", prefix);
export const entryName = (key: string): string => named("e", key);
export const leaseName = (key: string): string => named("l", key);

function named(letter: string, text: string): string {
  if (text.isWellFormed()) return `${letter}:${text}`;
  return `${letter.toUpperCase()}:${text.replace(ILL_FORMED, escapeCharacter)}`;
}

/** The text of a name that one of the functions above has made. */
export function textOf(name: string): string {
  const text = name.slice(2);
  if (name.charCodeAt(0) >= 0x61) return text;
  return text.replace(ESCAPE, (_, code: string) =>
    code === "25" ? "%" : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
}

/** Which shard a key lies in. The same in every process and release: FNV-1a over UTF-16 units. */
export function shardOf(key: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  // The low bits of FNV alone are poor.
  hash ^= hash >>> 15;
  return (hash >>> 0) % shards;
}

/** A glob for SCAN that matches the entries of a space whose key matches `glob`. */
export function entryGlob(space: string, glob: string): string {
  return `${space.replace(/[\\*?[\]]/g, "\\$&")}[eE]:${glob}`;
}
