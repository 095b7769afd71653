import { enlarged, SlotLists } from "./lists.ts";
import type { MemoryNode } from "./node.ts";
import { type MemoryStoreOptions, resolveMemoryStore } from "./options.ts";

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

const HEADS = 1;
const CAPACITY_MIN = 64;

export function createMemoryStore<N extends MemoryNode>(
  options: MemoryStoreOptions<N>,
): MemoryStore<N> {
  const { entriesMax, bytesMax, onEvict } = resolveMemoryStore(options);
  const capacityMin = Math.min(CAPACITY_MIN, entriesMax + 1) + HEADS;
  let map = new Map<string, N>();
  let bytes = 0;
  let capacity = capacityMin;
  let lists = new SlotLists(capacity, HEADS);
  let nodes: (N | undefined)[] = [];
  let weights = new Float64Array(capacity);
  let free: number[] = [];
  let used = HEADS;

  const grow = (): void => {
    capacity = Math.min(capacity * 2, entriesMax + 1 + HEADS);
    lists.grow(capacity);
    weights = enlarged(weights, new Float64Array(capacity));
  };
  const takeSlot = (): number => {
    const recycled = free.pop();
    if (recycled !== undefined) return recycled;
    if (used === capacity) grow();
    return used++;
  };
  const drop = (node: N): void => {
    const slot = node._slot;
    map.delete(node.key);
    lists.remove(slot);
    bytes -= weights[slot]!;
    nodes[slot] = undefined;
    free.push(slot);
  };
  const insert = (node: N, weight: number): void => {
    const slot = takeSlot();
    node._slot = slot;
    nodes[slot] = node;
    weights[slot] = weight;
    bytes += weight;
    lists.push(0, slot);
    map.set(node.key, node);
  };

  return {
    get(key) {
      const node = map.get(key);
      if (node !== undefined) lists.move(0, node._slot);
      return node;
    },
    peek: (key) => map.get(key),
    values: () => map.values(),
    set(node) {
      const previous = map.get(node.key);
      if (previous !== undefined) drop(previous);
      const weight = Math.ceil(node.bytes);
      if (!(weight >= 0 && weight <= bytesMax)) {
        onEvict?.(node, "capacity");
        return "rejected";
      }
      insert(node, weight);
      const lost: N[] = [];
      while (map.size > entriesMax || bytes > bytesMax) {
        const loser = nodes[lists.oldest(0)]!;
        drop(loser);
        lost.push(loser);
      }
      for (const loser of lost) onEvict?.(loser, "capacity");
      return "stored";
    },
    delete(key) {
      const node = map.get(key);
      if (node !== undefined) drop(node);
      return node;
    },
    clear() {
      map = new Map();
      bytes = 0;
      capacity = capacityMin;
      lists = new SlotLists(capacity, HEADS);
      nodes = [];
      weights = new Float64Array(capacity);
      free = [];
      used = HEADS;
    },
    get size() {
      return map.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
