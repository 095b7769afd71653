import { hashString, randomSource } from "./hash.ts";
import type { MemoryNode } from "./node.ts";
import {
  type MemoryStoreOptions,
  type ResolvedMemoryStoreOptions,
  resolveMemoryStore,
} from "./options.ts";
import { WindowTinyLfu } from "./window-tiny-lfu.ts";

/** What became of a node given to `set`. */
export type Stored = "stored" | "rejected";

/** A map bounded by entries and by bytes, both always. Synchronous; one per cache. */
export interface MemoryStore<N extends MemoryNode> {
  /** The node under `key`; the access counts for the eviction policy. Allocates nothing. */
  get(key: string): N | undefined;
  /** The node under `key`, without counting as an access. */
  peek(key: string): N | undefined;
  /**
   * Replaces the node under `node.key`, then evicts until both bounds hold. A node larger than
   * `bytesMax` (or whose size is not a number) is rejected, and so is one the policy values less
   * than those it would displace; the previous node under the key is gone in every case.
   */
  set(node: N): Stored;
  /** Removes and returns the node under `key`. `onEvict` is not told. */
  delete(key: string): N | undefined;
  /** Forgets everything in O(1). `onEvict` is not told. */
  clear(): void;
  readonly size: number;
  /** Sum of the sizes of the nodes held. */
  readonly bytes: number;
  /** The nodes in order of insertion; may be changed while iterating. */
  values(): IterableIterator<N>;
}

export function createMemoryStore<N extends MemoryNode>(
  options: MemoryStoreOptions<N>,
): MemoryStore<N> {
  return new BoundedMap(resolveMemoryStore(options));
}

/** Hits remembered before the policy hears of them, in one batch. */
const HITS_MAX = 64;

/**
 * The map, and the policy told of everything in order: hits wait in a fixed buffer that is
 * emptied when it is full and before anything changes, so a waiting slot always means the same
 * entry.
 */
class BoundedMap<N extends MemoryNode> implements MemoryStore<N> {
  #map = new Map<string, N>();
  #nodes: (N | undefined)[] = [];
  readonly #policy: WindowTinyLfu;
  readonly #bytesMax: number;
  readonly #onEvict: ((node: N, why: "capacity") => void) | undefined;
  readonly #hashSeed: number;
  readonly #hits = new Int32Array(HITS_MAX);
  #hitsWaiting = 0;

  constructor(options: ResolvedMemoryStoreOptions<N>) {
    const random = randomSource(options.seed);
    this.#hashSeed = random();
    this.#policy = new WindowTinyLfu(options, random);
    this.#bytesMax = options.bytesMax;
    this.#onEvict = options.onEvict;
  }

  get size(): number {
    return this.#map.size;
  }

  get bytes(): number {
    return this.#policy.slots.weightsAll;
  }

  get(key: string): N | undefined {
    const node = this.#map.get(key);
    if (node !== undefined) {
      this.#hits[this.#hitsWaiting++] = node._slot;
      if (this.#hitsWaiting === HITS_MAX) this.#tellHits();
    }
    return node;
  }

  peek(key: string): N | undefined {
    return this.#map.get(key);
  }

  values(): IterableIterator<N> {
    return this.#map.values();
  }

  set(node: N): Stored {
    this.#tellHits();
    const weight = Math.ceil(node.bytes);
    if (!(weight >= 0 && weight <= this.#bytesMax)) {
      this.delete(node.key);
      this.#onEvict?.(node, "capacity");
      return "rejected";
    }
    this.#place(node, weight);
    const lost: number[] = [];
    this.#policy.settle(lost);
    return lost.length === 0 ? "stored" : this.#drop(lost, node);
  }

  delete(key: string): N | undefined {
    const node = this.#map.get(key);
    if (node === undefined) return undefined;
    this.#tellHits();
    this.#map.delete(key);
    this.#nodes[node._slot] = undefined;
    this.#policy.remove(node._slot);
    return node;
  }

  clear(): void {
    this.#hitsWaiting = 0;
    this.#map = new Map();
    this.#nodes = [];
    this.#policy.clear();
  }

  #place(node: N, weight: number): void {
    const previous = this.#map.get(node.key);
    this.#map.set(node.key, node);
    if (previous === undefined) {
      node._slot = this.#policy.add(hashString(node.key, this.#hashSeed), weight);
    } else {
      node._slot = previous._slot;
      this.#policy.replace(node._slot, weight);
    }
    this.#nodes[node._slot] = node;
  }

  /** Forgets the nodes at `lost`, then reports them; says what became of `newcomer`. */
  #drop(lost: readonly number[], newcomer: N): Stored {
    const losers: N[] = [];
    for (const slot of lost) {
      const loser = this.#nodes[slot]!;
      this.#nodes[slot] = undefined;
      this.#map.delete(loser.key);
      losers.push(loser);
    }
    if (this.#onEvict !== undefined) for (const loser of losers) this.#onEvict(loser, "capacity");
    return losers.includes(newcomer) ? "rejected" : "stored";
  }

  #tellHits(): void {
    const waiting = this.#hitsWaiting;
    for (let n = 0; n < waiting; n++) this.#policy.touch(this.#hits[n]!);
    this.#hitsWaiting = 0;
  }
}
