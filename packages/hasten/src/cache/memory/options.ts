import { bytesMaxInvalid, entriesMaxInvalid } from "./errors.ts";
import type { MemoryNode } from "./node.ts";

/** A `Map` holds about 2^24 entries; the store stops well before. */
export const ENTRIES_MAX_LIMIT = 8_000_000;

/** Bounds and hooks of a memory store. */
export interface MemoryStoreOptions<N extends MemoryNode> {
  /** Entries held at most: a whole number from 1 to 8,000,000. */
  readonly entriesMax: number;
  /** Sum of `node.bytes` held at most: a whole number from 1 to 2^53 - 1. */
  readonly bytesMax: number;
  /**
   * Told once about every node that was given to `set` and lost to the bounds, at once (refused)
   * or later (evicted). Not told about nodes that were replaced, deleted or cleared. Runs inside
   * `set` when the store is consistent again, and may use the store; it must not throw.
   */
  readonly onEvict?: ((node: N, why: "capacity") => void) | undefined;
  /** Seed of the random admissions that defeat engineered collisions. @default a random number */
  readonly seed?: number | undefined;
}

export interface ResolvedMemoryStoreOptions<N extends MemoryNode> {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly onEvict: ((node: N, why: "capacity") => void) | undefined;
  readonly seed: number;
}

export function resolveMemoryStore<N extends MemoryNode>(
  options: MemoryStoreOptions<N>,
): ResolvedMemoryStoreOptions<N> {
  const { entriesMax, bytesMax } = options;
  if (!Number.isInteger(entriesMax) || entriesMax < 1 || entriesMax > ENTRIES_MAX_LIMIT)
    throw entriesMaxInvalid(entriesMax);
  if (!Number.isSafeInteger(bytesMax) || bytesMax < 1) throw bytesMaxInvalid(bytesMax);
  return {
    entriesMax,
    bytesMax,
    onEvict: options.onEvict,
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
  };
}
