// One measurement in a process of its own: node measure.ts <measurement> <subject> <milliseconds>
import { createCache, defineKey } from "hasten/cache";
import { LRUCache } from "lru-cache";
import { type Row, type Subject, type SubjectName, source, subjects, TTL_MS } from "./subjects.ts";

const KEYS = 1_000;
const HERD = 1_000;
const BATCH = 1_000;
const SAMPLES = 5;
const NS_PER_MS = 1e6;
const WARM_BATCHES = 100;

const ids = Array.from({ length: KEYS }, (_, n) => `row:${n}`);
const row = (id: string): Row => ({ id, name: "row" });
let sink = 0;

/** Nanoseconds per operation: the fastest of five stretches, each of many batches. */
async function perOperation(
  run: (offset: number) => void | Promise<void>,
  { operations, budgetMs }: { operations: number; budgetMs: number },
): Promise<number> {
  let offset = 0;
  const warmUntilMs = performance.now() + budgetMs / 2;
  while (performance.now() < warmUntilMs) await run(offset++);
  let best = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const startedMs = performance.now();
    let batches = 0;
    while (performance.now() - startedMs < budgetMs / SAMPLES) {
      await run(offset++);
      batches++;
    }
    const ns = ((performance.now() - startedMs) * NS_PER_MS) / (batches * operations);
    best = Math.min(best, ns);
  }
  return best;
}

async function hit(subject: Subject): Promise<() => Promise<void>> {
  for (const id of ids) await subject.get(id);
  return async () => {
    for (let n = 0; n < BATCH; n++) sink += (await subject.get(ids[n]!)).id.length;
  };
}

/** The same reads where the value itself comes back, as in `const v = cache.getOrSet(…)`. */
async function taken(subject: Subject): Promise<() => void> {
  for (const id of ids) await subject.get(id);
  return () => {
    for (let n = 0; n < BATCH; n++) sink += subject.take!(ids[n]!)!.id.length;
  };
}

function miss(subject: Subject): (offset: number) => Promise<void> {
  return async (offset) => {
    const base = offset * BATCH;
    for (let n = 0; n < BATCH; n++) sink += (await subject.get(`m${base + n}`)).id.length;
  };
}

/** Fails unless a thousand callers cost one load. */
function herd(subject: Subject): (offset: number) => Promise<void> {
  return async (offset) => {
    const before = source.loads;
    const answers: unknown[] = [];
    for (let n = 0; n < HERD; n++) answers.push(subject.get(`h${offset}`));
    sink += (await Promise.all(answers)).length;
    if (source.loads - before !== 1) throw new Error(`${source.loads - before} loads, not one`);
  };
}

/** Synchronous reads of one fresh value among a thousand keys. */
function reads(): Record<string, () => void> {
  const cache = createCache({ ttlMs: TTL_MS, memory: { entriesMax: 10_000 } });
  const key = defineKey("row", (n: number) => [n]).of<Row>();
  const keys = ids.map((_, n) => key(n));
  const map = new Map(ids.map((id) => [id, row(id)]));
  const lru = new LRUCache<string, Row>({ max: 10_000, ttl: TTL_MS });
  for (const id of ids) lru.set(id, row(id));
  for (const one of keys) void cache.set(one, row(one));
  return {
    "Map.get": () => {
      for (let n = 0; n < BATCH; n++) sink += map.get(ids[n]!)!.id.length;
    },
    "lru-cache": () => {
      for (let n = 0; n < BATCH; n++) sink += lru.get(ids[n]!)!.id.length;
    },
    "hasten peek": () => {
      for (let n = 0; n < BATCH; n++) sink += cache.peek(keys[n]!)!.id.length;
    },
    "hasten peek, key built per call": () => {
      for (let n = 0; n < BATCH; n++) sink += cache.peek(key(n))!.id.length;
    },
  };
}

/** Bytes allocated per call, by the growth of the heap between collections. */
async function allocated(run: () => void): Promise<number> {
  const batches = 2_000;
  for (let batch = 0; batch < WARM_BATCHES; batch++) run();
  // Timers of the coarse clock must run, as they do in a server: a few turns in between.
  await new Promise((resolve) => setTimeout(resolve, 20));
  global.gc!();
  const before = process.memoryUsage().heapUsed;
  for (let batch = 0; batch < batches; batch++) run();
  return Math.max(0, process.memoryUsage().heapUsed - before) / (batches * BATCH);
}

async function measure(what: string, name: string, budgetMs: number): Promise<number> {
  if (what === "read") return perOperation(reads()[name]!, { operations: BATCH, budgetMs });
  if (what === "allocation") return allocated(reads()[name]!);
  const subject = subjects[name as SubjectName]();
  if (what === "hit") return perOperation(await hit(subject), { operations: BATCH, budgetMs });
  if (what === "taken") return perOperation(await taken(subject), { operations: BATCH, budgetMs });
  if (what === "miss") return perOperation(miss(subject), { operations: BATCH, budgetMs });
  return perOperation(herd(subject), { operations: 1, budgetMs });
}

const [what, name, budgetMs] = process.argv.slice(2);
const value = await measure(what!, name!, Number(budgetMs));
if (sink < 0) throw new Error("unreachable: keeps the reads alive");
console.log(JSON.stringify({ value }));
process.exit(0);
