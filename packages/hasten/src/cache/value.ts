import { binaryNumber } from "./binary.ts";
import type { Codec } from "./codec.ts";
import { valueUncacheable } from "./errors.ts";
import { structured } from "./structured.ts";

/** A value in the form in which it is kept. */
export interface Admitted {
  readonly stored: unknown;
  /** How each reader gets it; undefined if all readers share `stored`, which is frozen. */
  readonly codec: Codec<unknown> | undefined;
  readonly bytes: number;
  /** Whether JSON gives it back exactly; false where nobody looked. */
  readonly json: boolean;
}

export interface AdmitOptions {
  readonly codec: Codec<unknown> | undefined;
  readonly sizeOf: ((value: unknown) => number) | undefined;
}

/**
 * Prepares a value for keeping. Plain data is frozen, in depth, and shared by reference; data with
 * Date, Map, Set or binary in it is kept encoded and decoded for each reader. Everything else is
 * refused with HST_CACHE_VALUE, before anything was frozen.
 */
export function admit(value: unknown, options: AdmitOptions): Admitted {
  const { codec, sizeOf } = options;
  if (codec !== undefined) {
    const { stored, bytes } = codec.encode(value);
    const reader = codec.shared === true ? undefined : codec;
    return {
      stored,
      codec: reader,
      bytes: sizeOf === undefined ? bytes : sizeOf(value),
      json: false,
    };
  }
  const survey = examine(value);
  if (survey.mutable) {
    const { stored, bytes } = structured.encode(value);
    return {
      stored,
      codec: structured,
      bytes: sizeOf === undefined ? bytes : sizeOf(value),
      json: false,
    };
  }
  for (const object of survey.objects) Object.freeze(object);
  const bytes = sizeOf === undefined ? survey.bytes : sizeOf(value);
  return { stored: value, codec: undefined, bytes, json: survey.exact };
}

/** Whether JSON gives this value back exactly. Refuses what `admit` would. */
export function isJsonExact(value: unknown): boolean {
  const survey = examine(value);
  return survey.exact && !survey.mutable;
}

/** Up to so many objects, looking through a list costs less than a set does. */
const LISTED_MAX = 8;

class Survey {
  /** Each object once: the queue of those to look into, and later the list of those to freeze. */
  readonly objects: object[] = [];
  /** Holds something that freezing does not protect. */
  mutable = false;
  /** JSON gives the plain data in it back exactly. */
  exact = true;
  /** About the length of its JSON: what an encoding would take. */
  bytes = 0;
  #seen: Set<object> | undefined;

  add(object: object): void {
    const { objects } = this;
    if (this.#seen === undefined) {
      if (objects.includes(object)) {
        this.exact = false;
        return;
      }
      if (objects.length >= LISTED_MAX) this.#seen = new Set(objects);
    } else if (this.#seen.has(object)) {
      this.exact = false;
      return;
    }
    this.#seen?.add(object);
    objects.push(object);
  }
}

/** One walk, without recursion, that classifies, measures and collects what is to be frozen. */
function examine(root: unknown): Survey {
  const survey = new Survey();
  visit(root, survey);
  const { objects } = survey;
  for (let index = 0; index < objects.length; index++) descend(objects[index]!, survey);
  return survey;
}

const NUMBER_BYTES = 8;
const WORD_BYTES = 4;
const PUNCTUATION_BYTES = 2;
const SHORT_MAX = 24;
const ASCII_MAX = 0x7f;

/** Short strings of ASCII are measured here: the call to the runtime costs more. */
function byteLength(text: string): number {
  const { length } = text;
  if (length > SHORT_MAX) return Buffer.byteLength(text);
  for (let at = 0; at < length; at++) {
    if (text.charCodeAt(at) > ASCII_MAX) return Buffer.byteLength(text);
  }
  return length;
}

function visit(value: unknown, survey: Survey): void {
  switch (typeof value) {
    case "string":
      survey.bytes += byteLength(value) + PUNCTUATION_BYTES;
      return;
    case "number":
      survey.bytes += NUMBER_BYTES;
      if (value === 0 ? 1 / value < 0 : !Number.isFinite(value)) survey.exact = false;
      return;
    case "bigint":
      survey.exact = false;
      survey.bytes += NUMBER_BYTES + Math.ceil(value.toString(16).length / 2);
      return;
    case "object":
      survey.bytes += WORD_BYTES;
      if (value !== null) survey.add(value);
      return;
    case "function":
    case "symbol":
      throw valueUncacheable(`a ${typeof value}`);
    default:
      survey.bytes += WORD_BYTES;
      if (value === undefined) survey.exact = false;
  }
}

function descend(object: object, survey: Survey): void {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (Array.isArray(object) && prototype === Array.prototype) {
    for (let index = 0; index < object.length; index++) visit(object[index], survey);
  } else if (isPlain(prototype)) {
    // Of another realm or without one: JSON would give it this realm's, or call its toJSON.
    if (prototype !== Object.prototype) survey.exact = false;
    fields(object, survey);
  } else if (prototype === Map.prototype) {
    survey.mutable = true;
    for (const [key, value] of object as Map<unknown, unknown>) {
      visit(key, survey);
      visit(value, survey);
    }
  } else if (prototype === Set.prototype) {
    survey.mutable = true;
    for (const value of object as Set<unknown>) visit(value, survey);
  } else if (binaryNumber(object) !== undefined || prototype === Date.prototype) {
    survey.mutable = true;
  } else {
    throw valueUncacheable(`an instance of ${nameOfClass(object)}`);
  }
}

function fields(object: object, survey: Survey): void {
  if (Object.getOwnPropertySymbols(object).length > 0) throw valueUncacheable("a symbol property");
  const record = object as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    survey.bytes += key.length + PUNCTUATION_BYTES;
    visit(record[key], survey);
  }
}

/** Of an object made by a literal or without a prototype, in this realm or another. */
function isPlain(prototype: unknown): boolean {
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}

function nameOfClass(object: object): string {
  return (object.constructor as { name?: string } | undefined)?.name || "a class";
}
