import type { Codec } from "./codec.ts";
import { keyInvalid, prefixInvalid } from "./errors.ts";
import { PREFIX_DEPTH_MAX } from "./fence.ts";

/** A string that knows the type of the value it leads to. */
export type Key<V> = string & { readonly __value?: V };

/** What keys are made of. Segments are escaped, so that different lists give different keys. */
export type Segment = string | number | bigint | boolean;

/** Builds the keys of one kind. */
export interface KeyBuilder<A extends readonly unknown[], V> {
  (...args: A): Key<V>;
  /** The prefix of all keys whose segments start with these: at most three of them. */
  prefix(...segments: readonly Segment[]): string;
}

/** How values under one kind of key are kept. */
export interface KeyOptions<V> {
  /** Keeps and gives back the values. @default by their shape */
  readonly codec?: Codec<V> | undefined;
  /** Bytes a value counts for. @default measured */
  readonly sizeOf?: ((value: V) => number) | undefined;
}

export interface KeyDefinition<A extends readonly unknown[]> {
  /** Attaches the type of the values, and how they are kept. */
  of<V>(options?: KeyOptions<V>): KeyBuilder<A, V>;
}

export const KEY_LENGTH_MAX = 2_048;
const NAME = /^[\w.-]{1,64}$/;
const SPECIAL = /[%:\ud800-\udfff]/;
const ESCAPED = /[%:]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Defines a kind of key: `defineKey("user", (id: number) => [id]).of<User>()(7)` is `user:7`.
 * @param name letters, digits, `_`, `.` and `-`, at most 64
 */
export function defineKey<A extends readonly unknown[]>(
  name: string,
  build: (...args: A) => readonly Segment[],
): KeyDefinition<A> {
  if (!NAME.test(name)) throw keyInvalid(`its name ${JSON.stringify(name)} is not allowed`);
  return {
    of<V>(): KeyBuilder<A, V> {
      const key = (...args: A): Key<V> => join(name, build(...args));
      const prefix = (...segments: readonly Segment[]): string => {
        if (segments.length >= PREFIX_DEPTH_MAX) throw prefixInvalid([name, ...segments]);
        return `${join(name, segments)}:`;
      };
      return Object.assign(key, { prefix });
    },
  };
}

function join(name: string, segments: readonly Segment[]): string {
  let key = name;
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index]!;
    key += typeof segment === "number" ? `:${segment}` : `:${escapeSegment(segment)}`;
  }
  if (key.length > KEY_LENGTH_MAX) {
    throw keyInvalid(`it has ${key.length} characters, the most is ${KEY_LENGTH_MAX}`);
  }
  return key;
}

function escapeSegment(segment: Segment): string {
  if (segment === undefined || segment === null || typeof segment === "object") {
    throw keyInvalid(`a segment is ${segment === null ? "null" : typeof segment}`);
  }
  const text = String(segment);
  return SPECIAL.test(text) ? text.replace(ESCAPED, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (code === 0x25) return "%25";
  return code === 0x3a ? "%3A" : `%u${code.toString(16)}`;
}

/** The first segment: the kind of key, which has the codec. */
export function nameOf(key: string): string {
  const end = key.indexOf(":");
  return end === -1 ? key : key.slice(0, end);
}

export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== "string") throw keyInvalid(`it is ${key === null ? "null" : typeof key}`);
  if (key.length === 0) throw keyInvalid("it is empty");
  if (key.length > KEY_LENGTH_MAX) {
    throw keyInvalid(`it has ${key.length} characters, the most is ${KEY_LENGTH_MAX}`);
  }
}

/** `user:7` and `user:7:` mean the same prefix, `user:7:`. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix !== "string" || prefix === "" || prefix === ":") throw prefixInvalid(prefix);
  const whole = prefix.endsWith(":") ? prefix : `${prefix}:`;
  if (whole.split(":").length - 1 > PREFIX_DEPTH_MAX) throw prefixInvalid(prefix);
  return whole;
}
