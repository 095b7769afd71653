import { expect, test } from "vitest";
import { randomSource } from "./hash.ts";
import { createMemoryStore, MemoryNode, type MemoryStore } from "./index.ts";

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

function open(entriesMax: number, bytesMax: number = UNBOUNDED): MemoryStore<MemoryNode> {
  return createMemoryStore({ entriesMax, bytesMax, seed: 1 });
}

/** Reads through: true on a hit, stores on a miss. */
function ask(store: MemoryStore<MemoryNode>, key: string, bytes = 1): boolean {
  if (store.get(key) !== undefined) return true;
  store.set(new MemoryNode(key, bytes));
  return false;
}

function hitRatio(store: MemoryStore<MemoryNode>, keys: readonly string[]): number {
  return keys.filter((key) => ask(store, key)).length / keys.length;
}

const range = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, n) => `${name}:${n}`);

test("a scan of a hundred times the store's size leaves the hot entries in place", () => {
  const store = open(100);
  const hot = range(80, "hot");
  for (let round = 0; round < 10; round++) hitRatio(store, hot);
  hitRatio(store, range(10_000, "scan"));
  expect(hot.filter((key) => store.peek(key) !== undefined).length).toBeGreaterThan(70);
});

test("a loop larger than the store is served in proportion to the store", () => {
  for (const size of [50, 100, 300, 800, 990]) {
    const store = open(size);
    const loop = range(1_000, "loop");
    for (let round = 0; round < 60; round++) hitRatio(store, loop);
    expect(hitRatio(store, loop)).toBeGreaterThan((size / 1_000) * 0.8);
  }
});

test("a load of short bursts grows the window until it is served like LRU would", () => {
  const store = open(60);
  const random = randomSource(5);
  const requests: string[] = [];
  for (let at = 0; at < 60_000; at++) requests.push(`k:${Math.floor(at / 4) - (random() % 40)}`);
  hitRatio(store, requests.slice(0, 30_000));
  const later = requests.slice(30_000);
  const unavoidable = new Set(later).size / later.length;
  expect(hitRatio(store, later)).toBeGreaterThan(1 - unavoidable - 0.02);
});

test("a new working set takes over a store full of entries that were popular once", () => {
  const store = open(100);
  const old = range(100, "old");
  for (let round = 0; round < 40; round++) hitRatio(store, old);
  const fresh = range(90, "fresh");
  for (let round = 0; round < 60; round++) hitRatio(store, fresh);
  expect(hitRatio(store, fresh)).toBeGreaterThan(0.95);
});

test("a flood of keys that never return cannot displace what is read", () => {
  const store = open(200);
  const hot = range(150, "hot");
  const random = randomSource(2);
  for (let round = 0; round < 10; round++) hitRatio(store, hot);
  let hits = 0;
  for (let n = 0; n < 50_000; n++) {
    ask(store, `flood:${n}`);
    if (ask(store, hot[random() % 150]!)) hits += 1;
  }
  expect(hits / 50_000).toBeGreaterThan(0.9);
});

test("an invalidated key keeps its popularity and comes back into a full store", () => {
  const store = open(100);
  const hot = range(50, "hot");
  for (let round = 0; round < 10; round++) hitRatio(store, hot);
  hitRatio(store, range(1_000, "scan"));
  for (const key of hot) store.delete(key);
  hitRatio(store, hot);
  hitRatio(store, range(500, "later"));
  expect(hot.filter((key) => store.peek(key) !== undefined).length).toBeGreaterThan(45);
});

test("a large newcomer that nobody asked for displaces nothing", () => {
  const store = open(1_000, 1_000);
  const small = range(100, "small");
  for (let round = 0; round < 4; round++) for (const key of small) ask(store, key, 10);
  expect(store.set(new MemoryNode("large", 500))).toBe("rejected");
  expect([store.size, store.bytes]).toEqual([100, 1_000]);
});

test("a large newcomer asked for more often than each entry it displaces gets their room", () => {
  const store = open(1_000, 1_000);
  for (const key of range(100, "small")) ask(store, key, 10);
  let attempts = 0;
  while (!ask(store, "large", 500) && store.peek("large") === undefined) attempts += 1;
  expect(attempts).toBeLessThan(10);
  expect(store.size).toBe(51);
  expect(store.bytes).toBe(1_000);
});

test("an entry replaced by a larger one competes anew and the byte bound holds", () => {
  const store = open(1_000, 1_000);
  for (const key of range(100, "small")) ask(store, key, 10);
  store.set(new MemoryNode("small:3", 900));
  expect(store.bytes).toBeLessThanOrEqual(1_000);
  expect(store.peek("small:3")?.bytes ?? 900).toBe(900);
});

test("a store of one entry holds the newest", () => {
  const store = open(1);
  for (const key of range(20, "k")) {
    ask(store, key);
    expect(store.size).toBe(1);
  }
});

test("touching a peeked node counts like getting it, and a node no longer held counts nothing", () => {
  const store = open(100);
  const hot = range(50, "hot");
  hitRatio(store, hot);
  for (let round = 0; round < 10; round++)
    for (const key of hot) store.touch(store.peek(key) ?? new MemoryNode(key, 1));
  hitRatio(store, range(5_000, "scan"));
  expect(hot.filter((key) => store.peek(key) !== undefined).length).toBeGreaterThan(45);
  const gone = store.delete("hot:1")!;
  store.touch(gone);
  store.touch(new MemoryNode("never", 1));
  expect(store.size).toBe(99);
});

test("equal seeds and requests lose equal entries", () => {
  const run = (): string[] => {
    const lost: string[] = [];
    const onEvict = (node: MemoryNode): void => void lost.push(node.key);
    const store = createMemoryStore({ entriesMax: 50, bytesMax: 2_000, seed: 4, onEvict });
    const random = randomSource(8);
    for (let n = 0; n < 5_000; n++) ask(store, `k:${random() % 200}`, random() % 100);
    return lost;
  };
  expect(run()).toEqual(run());
});

test("the bounds and the accounts hold under long random load of all sizes", () => {
  const random = randomSource(11);
  const sizes = [0, 1, 10, 100, 1_000, 9_000];
  let reported = 0;
  const store = createMemoryStore<MemoryNode>({
    entriesMax: 300,
    bytesMax: 30_000,
    seed: 3,
    onEvict: () => {
      reported += 1;
    },
  });
  let given = 0;
  let gone = 0;
  for (let n = 0; n < 200_000; n++) {
    const key = `k:${Math.floor((random() / 2 ** 32) ** 3 * 2_000)}`;
    if (n % 50_000 === 49_999) {
      gone += store.size;
      store.clear();
    } else if (n % 13 === 0) gone += store.delete(key) === undefined ? 0 : 1;
    else if (store.get(key) === undefined || n % 29 === 0) {
      gone += store.peek(key) === undefined ? 0 : 1;
      given += 1;
      store.set(new MemoryNode(key, sizes[random() % sizes.length]!));
    }
    if (store.size > 300 || store.bytes > 30_000) throw new Error(`bounds broken at step ${n}`);
  }
  expect(given).toBe(reported + gone + store.size);
  const bytes = [...store.values()].reduce((sum, node) => sum + node.bytes, 0);
  expect(store.bytes).toBe(bytes);
});

test("a hit allocates nothing", () => {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("run with --expose-gc");
  const store = open(1_000);
  const keys = range(1_000, "k");
  for (const key of keys) ask(store, key);
  const pass = (): void => {
    for (const key of keys) store.get(key);
  };
  for (let n = 0; n < 500; n++) pass();
  const grown = Array.from({ length: 5 }, () => {
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 500; n++) pass();
    return process.memoryUsage().heapUsed - before;
  });
  expect(Math.min(...grown)).toBeLessThan(100_000);
});

test("clearing a large store takes no time that depends on its size", () => {
  const store = open(200_000);
  for (const key of range(200_000, "k")) store.set(new MemoryNode(key, 1));
  const start = performance.now();
  store.clear();
  expect(performance.now() - start).toBeLessThan(20);
  expect(store.size).toBe(0);
});
