// Child process: nanoseconds per hit of one subject, printed as JSON.
// Arguments: subject (map, hasten, lru-cache), entries, milliseconds to measure for.
import { LRUCache } from "lru-cache";
import { randomSource } from "../../../packages/hasten/src/cache/memory/hash.ts";
import { createMemoryStore, MemoryNode } from "../../../packages/hasten/src/cache/memory/index.ts";

const ORDER = 1 << 16;
const [subject, entriesText, measureMsText] = process.argv.slice(2);
const entries = Number(entriesText);
const measureMs = Number(measureMsText);
const keys = Array.from({ length: entries }, (_, n) => `user:${n}`);

interface Store {
  get(key: string): MemoryNode | undefined;
}

function open(): Store {
  const nodes = keys.map((key) => new MemoryNode(key, 1));
  if (subject === "map") return new Map(nodes.map((node) => [node.key, node]));
  if (subject === "lru-cache") {
    const cache = new LRUCache<string, MemoryNode>({ max: entries });
    for (const node of nodes) cache.set(node.key, node);
    return cache;
  }
  const store = createMemoryStore({ entriesMax: entries, bytesMax: 2 ** 40, seed: 1 });
  for (const node of nodes) store.set(node);
  return store;
}

/** Skewed towards low numbers, as hits are: the square of a uniform number. */
const random = randomSource(1);
const order = Uint32Array.from({ length: ORDER }, () =>
  Math.floor((random() / 2 ** 32) ** 2 * entries),
);

function pass(store: Store): number {
  let bytes = 0;
  for (let at = 0; at < ORDER; at++) bytes += store.get(keys[order[at]!]!)!.bytes;
  return bytes;
}

function timed(store: Store, forMs: number): number {
  const start = performance.now();
  let passes = 0;
  while (performance.now() - start < forMs) {
    if (pass(store) !== ORDER) throw new Error("every access has to be a hit");
    passes += 1;
  }
  return ((performance.now() - start) * 1e6) / (passes * ORDER);
}

const store = open();
timed(store, measureMs / 4);
console.log(JSON.stringify({ ns: timed(store, measureMs) }));
