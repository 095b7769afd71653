/**
 * The responses stored under one key, told apart by Vary (RFC 9111 §4.1), newest first.
 * A set never changes: a fill makes a new one. Beyond VARIANTS_MAX the oldest is dropped.
 */

import type { IncomingMessage } from "node:http";
import { VARIANTS_MAX } from "./options.ts";
import { selectingKey } from "./selecting.ts";
import { type StoredResponse, storedBytes } from "./stored-response.ts";

export interface VariantSet {
  readonly newest: StoredResponse;
  readonly older: readonly StoredResponse[];
}

/** The newest variant that this request selects. */
export function selectVariant(set: VariantSet, req: IncomingMessage): StoredResponse | undefined {
  if (matches(set.newest, req)) return set.newest;
  for (const stored of set.older) if (matches(stored, req)) return stored;
  return undefined;
}

/** Whether this request selects it. */
export function matches(stored: StoredResponse, req: IncomingMessage): boolean {
  if (stored.varyNames.length === 0) return true;
  return selectingKey(stored.varyNames, req.headers) === stored.variantKey;
}

/** The set with one more variant, in place of those that select the same requests. */
export function addVariant(
  set: VariantSet | undefined,
  stored: StoredResponse,
  keep: (older: StoredResponse) => boolean = () => true,
): VariantSet {
  const older: StoredResponse[] = [];
  if (set !== undefined) {
    for (const other of [set.newest, ...set.older]) {
      const same =
        other.variantKey === stored.variantKey &&
        other.varyNames.join() === stored.varyNames.join();
      if (!same && keep(other) && older.length < VARIANTS_MAX - 1) older.push(other);
    }
  }
  return { newest: stored, older };
}

export function variantSetBytes(set: VariantSet): number {
  let bytes = storedBytes(set.newest);
  for (const stored of set.older) bytes += storedBytes(stored);
  return bytes;
}
