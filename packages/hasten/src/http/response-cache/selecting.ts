/**
 * Values of request fields that select an answer, as they enter keys and what is kept.
 *
 * Invariants:
 * - A field may hold a credential: its value enters as its SHA-256, so that no key and nothing in
 *   Redis tells it. Only those that say how an answer is wanted, and from where, stand as they are.
 * - Different values stay different; what `variantKey` takes for the same stays the same.
 */
import { hash } from "node:crypto";
import type { FieldRecord } from "../field-record.ts";
import { type Buckets, normaliseFieldValue, variantKey } from "../vary.ts";

const PLAIN = /^(accept|accept-[a-z-]+|content-type|host|origin|user-agent)$/i;

/** The value of a field, or its hash. */
export function selectingValue(name: string, value: string): string {
  return PLAIN.test(name) ? value : hash("sha256", value, "base64url");
}

/** `variantKey`, without what the request must not be known by. */
export function selectingKey(names: readonly string[], fields: FieldRecord): string {
  const hidden = names.filter((name) => !PLAIN.test(name));
  return variantKey(names, fields, hidden.length === 0 ? {} : hashing(hidden));
}

function hashing(names: readonly string[]): Buckets {
  return Object.fromEntries(
    names.map((name) => [
      name,
      (value: string | undefined) => {
        const same = normaliseFieldValue(value);
        return same === undefined ? undefined : selectingValue(name, same);
      },
    ]),
  );
}
