import { hashString } from "../../../packages/hasten/src/cache/memory/hash.ts";
import { createMemoryStore, MemoryNode } from "../../../packages/hasten/src/cache/memory/index.ts";
import type { Trace } from "./traces.ts";

/** Hit ratios, in per cent, of stores bounded by bytes, where entries differ in size. */
export interface SizedMeasured {
  readonly trace: string;
  /** The byte bound as a part of what all keys together would take. */
  readonly share: number;
  readonly lruPercent: number;
  readonly hastenPercent: number;
}

const SHARES = [0.005, 0.02, 0.1, 0.3];
const SIZE_MIN = 100;
const SIZE_RATIO = 400;
const SEED = 3;
const ENTRIES_MAX = 1_000_000;

/** Bytes of a key's entry: 100 to 40,000, each magnitude as likely as another; by key alone. */
function bytesOf(key: number): number {
  const uniform = (hashString(`size:${key}`, SEED) >>> 0) / 2 ** 32;
  return Math.round(SIZE_MIN * SIZE_RATIO ** uniform);
}

export function measureSized(traces: readonly Trace[]): readonly SizedMeasured[] {
  return traces.flatMap((trace) => {
    const sizes = Array.from({ length: trace.keys }, (_, key) => bytesOf(key));
    const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
    return SHARES.map((share) => {
      const bytesMax = Math.round(all * share);
      return {
        trace: trace.name,
        share,
        lruPercent: lruPercent(trace, sizes, bytesMax),
        hastenPercent: hastenPercent(trace, sizes, bytesMax),
      };
    });
  });
}

function lruPercent(trace: Trace, sizes: readonly number[], bytesMax: number): number {
  const held = new Map<number, number>();
  let bytes = 0;
  let hits = 0;
  for (const key of trace.requests) {
    const size = sizes[key]!;
    if (held.delete(key)) hits += 1;
    else if (size > bytesMax) continue;
    else bytes += size;
    held.set(key, size);
    for (const [oldest, freed] of held) {
      if (bytes <= bytesMax) break;
      held.delete(oldest);
      bytes -= freed;
    }
  }
  return (100 * hits) / trace.requests.length;
}

function hastenPercent(trace: Trace, sizes: readonly number[], bytesMax: number): number {
  const store = createMemoryStore({ entriesMax: ENTRIES_MAX, bytesMax, seed: SEED });
  let hits = 0;
  for (const key of trace.requests) {
    const name = `key:${key}`;
    if (store.get(name) !== undefined) hits += 1;
    else store.set(new MemoryNode(name, sizes[key]!));
  }
  return (100 * hits) / trace.requests.length;
}
