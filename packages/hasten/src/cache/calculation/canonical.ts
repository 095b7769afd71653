/**
 * Plain inputs as text.
 *
 * Invariants:
 * - injective: equal inputs give equal text and different ones different text, where equal is
 *   `util.isDeepStrictEqual` (the order of properties and of the entries of a Map or Set does not
 *   count, `-0` is not `0`, an absent property is not `undefined`), except that objects without
 *   prototype equal those with;
 * - every form begins with a character of its own and tells where it ends, so that no two join to
 *   a third;
 * - what has no equality by content (functions, symbols, class instances) is refused, as are rings,
 *   more than `DEPTH_MAX` levels and more than `VALUES_MAX` values.
 */
import { inputsUnkeyable } from "../errors.ts";

export const DEPTH_MAX = 64;
export const VALUES_MAX = 100_000;

export function canonical(inputs: unknown): string {
  return textOf(inputs, { left: VALUES_MAX }, 0);
}

interface Budget {
  left: number;
}

function textOf(value: unknown, budget: Budget, depth: number): string {
  budget.left -= 1;
  if (budget.left < 0) throw inputsUnkeyable(`more than ${VALUES_MAX} values`);
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return "undefined";
    case "object":
      return value === null ? "null" : objectText(value, budget, depth + 1);
    default:
      throw inputsUnkeyable(`a ${typeof value}`);
  }
}

function objectText(object: object, budget: Budget, depth: number): string {
  if (depth > DEPTH_MAX) throw inputsUnkeyable(`a ring, or more than ${DEPTH_MAX} levels`);
  const inner = (value: unknown): string => textOf(value, budget, depth);
  if (Array.isArray(object)) return arrayText(object, inner);
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Date.prototype) return `Date(${(object as Date).getTime()})`;
  if (prototype === Map.prototype) {
    const entries = [...(object as Map<unknown, unknown>)];
    return `Map(${sorted(entries.map(([key, value]) => `${inner(key)}=${inner(value)}`))})`;
  }
  if (prototype === Set.prototype)
    return `Set(${sorted([...(object as Set<unknown>)].map(inner))})`;
  const bytes = BINARY.find((one) => one.prototype === prototype);
  if (bytes !== undefined) return `${bytes.name}(${bytesText(object, budget)})`;
  if (prototype !== null && prototype !== Object.prototype)
    throw inputsUnkeyable(`an instance of ${nameOf(object)}`);
  return recordText(object, inner);
}

function recordText(object: object, inner: (value: unknown) => string): string {
  noSymbols(object);
  const record = object as Record<string, unknown>;
  const names = Object.keys(record).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}=${inner(record[name])}`).join()}}`;
}

function arrayText(array: readonly unknown[], inner: (value: unknown) => string): string {
  noSymbols(array);
  if (Object.keys(array).length !== array.length)
    throw inputsUnkeyable("an array with holes or names");
  return `[${array.map(inner).join()}]`;
}

const BINARY: readonly { readonly name: string; readonly prototype: object }[] = [
  ...[Buffer, Uint8Array, Int8Array, Uint8ClampedArray, Uint16Array, Int16Array, Uint32Array],
  ...[Int32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ...[DataView, ArrayBuffer],
];

function bytesText(object: object, budget: Budget): string {
  const bytes = ArrayBuffer.isView(object)
    ? Buffer.from(object.buffer, object.byteOffset, object.byteLength)
    : Buffer.from(object as ArrayBuffer);
  budget.left -= bytes.length;
  if (budget.left < 0) throw inputsUnkeyable(`more than ${VALUES_MAX} values or bytes`);
  return bytes.toString("base64url");
}

function noSymbols(object: object): void {
  if (Object.getOwnPropertySymbols(object).length > 0) throw inputsUnkeyable("a symbol property");
}

function sorted(texts: string[]): string {
  return texts.sort().join();
}

function nameOf(object: object): string {
  return (object.constructor as { name?: string } | undefined)?.name || "a class";
}
