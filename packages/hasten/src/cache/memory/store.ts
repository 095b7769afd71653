import { hashString, randomSource } from "./hash.ts";
import type { MemoryNode } from "./node.ts";
import {
  type MemoryStoreOptions,
  type ResolvedMemoryStoreOptions,
  resolveMemoryStore,
} from "./options.ts";
import { FREQUENCY_BITS, HEAT_MAX, VISITED } from "./slots.ts";
import { WindowTinyLfu } from "./window-tiny-lfu.ts";

/** What became of a node given to `set`. */
export type Stored = "stored" | "rejected";

/** A map bounded by entries and by bytes, both always. Synchronous; one per cache. */
export interface MemoryStore<N extends MemoryNode> {
  /** The node under `key`; the access counts for the eviction policy. Allocates nothing. */
  get(key: string): N | undefined;
  /** The node under `key`, without counting as an access. */
  peek(key: string): N | undefined;
  /** Counts an access of a node that `peek` returned; nothing when it is no longer held. */
  touch(node: N): void;
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

/**
 * The map, and the policy beside it. A hit only raises one byte, the entry's heat; the policy reads
 * it when it next has to choose what to lose.
 */
class BoundedMap<N extends MemoryNode> implements MemoryStore<N> {
  #map = new Map<string, N>();
  #nodes: (N | undefined)[] = [];
  readonly #policy: WindowTinyLfu;
  readonly #bytesMax: number;
  readonly #onEvict: ((node: N, why: "capacity") => void) | undefined;
  readonly #hashSeed: number;
  #heat: Uint8Array;
  #accesses = 0;
  /** Slots lost in the `set` that is running; empty between calls and before any callback. */
  readonly #lost: number[] = [];

  constructor(options: ResolvedMemoryStoreOptions<N>) {
    const random = randomSource(options.seed);
    this.#hashSeed = random();
    this.#policy = new WindowTinyLfu(options, random);
    this.#heat = this.#policy.slots.heat;
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
    if (node !== undefined) this.#visit(node._slot);
    return node;
  }

  peek(key: string): N | undefined {
    return this.#map.get(key);
  }

  touch(node: N): void {
    if (this.#nodes[node._slot] === node) this.#visit(node._slot);
  }

  values(): IterableIterator<N> {
    return this.#map.values();
  }

  set(node: N): Stored {
    const weight = Math.ceil(node.bytes);
    if (!(weight >= 0 && weight <= this.#bytesMax)) {
      this.delete(node.key);
      this.#onEvict?.(node, "capacity");
      return "rejected";
    }
    this.#place(node, weight);
    this.#policy.count(this.#accesses);
    this.#accesses = 0;
    this.#policy.settle(node._slot, this.#lost);
    return this.#lost.length === 0 ? "stored" : this.#dropLost(node);
  }

  delete(key: string): N | undefined {
    const node = this.#map.get(key);
    if (node === undefined) return undefined;
    this.#map.delete(key);
    this.#nodes[node._slot] = undefined;
    this.#policy.remove(node._slot);
    return node;
  }

  clear(): void {
    this.#map = new Map();
    this.#nodes = [];
    this.#policy.clear();
    this.#heat = this.#policy.slots.heat;
  }

  #place(node: N, weight: number): void {
    const previous = this.#map.get(node.key);
    this.#map.set(node.key, node);
    if (previous === undefined) {
      node._slot = this.#policy.add(hashString(node.key, this.#hashSeed), weight);
    } else {
      node._slot = previous._slot;
      this.#visit(node._slot);
      this.#policy.replace(node._slot, weight);
    }
    this.#heat = this.#policy.slots.heat;
    this.#nodes[node._slot] = node;
  }

  /** Forgets the nodes whose slots were lost, then reports them; says how `newcomer` fared. */
  #dropLost(newcomer: N): Stored {
    if (this.#lost.length === 1) {
      const loser = this.#forget(this.#lost.pop()!);
      this.#onEvict?.(loser, "capacity");
      return loser === newcomer ? "rejected" : "stored";
    }
    const losers = this.#lost.map((slot) => this.#forget(slot));
    this.#lost.length = 0;
    if (this.#onEvict !== undefined) for (const loser of losers) this.#onEvict(loser, "capacity");
    return losers.includes(newcomer) ? "rejected" : "stored";
  }

  #forget(slot: number): N {
    const node = this.#nodes[slot]!;
    this.#nodes[slot] = undefined;
    this.#map.delete(node.key);
    return node;
  }

  #visit(slot: number): void {
    const heat = this.#heat[slot]!;
    if (heat === HEAT_MAX) return;
    this.#heat[slot] = (heat & FREQUENCY_BITS) === FREQUENCY_BITS ? HEAT_MAX : (heat + 1) | VISITED;
    this.#accesses += 1;
  }
}
