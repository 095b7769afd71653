/**
 * The encoded form of values that freezing does not protect, and of those that other processes get
 * and JSON would change.
 *
 * Invariants:
 * - A value and its decoded copy are alike in type and content: also undefined, NaN, -0, holes,
 *   objects without a prototype, own properties named `__proto__`, shared and cyclic references.
 * - Memory and the shared tier have the very same bytes, so that what they return is the same.
 */
import type { Codec } from "./codec.ts";
import { readStructured } from "./wire/read.ts";
import { writeStructured } from "./wire/write.ts";

/** Keeps a value in bytes; each reader gets a copy of its own. */
export const structured: Codec<unknown> = {
  name: "structured",
  encode(value) {
    const stored = writeStructured(value);
    return { stored, bytes: stored.byteLength };
  },
  decode: (stored) => readStructured(stored),
};
