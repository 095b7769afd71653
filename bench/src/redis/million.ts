// A tag that a million entries carry is invalidated in one call: node million.ts <redis url> <entries>
import { createCache } from "hasten/cache";

const [url, entries] = process.argv.slice(2);
const COUNT = Number(entries);
const AT_ONCE = 500;
const cache = createCache({
  name: "million",
  memory: { entriesMax: 1 },
  redis: { source: url!, timeoutMs: 10_000 },
});
await cache.shared?.ready(5_000);
const keyOf = cache.key("item", (n: number) => [n]).of<number>();
const capture = cache.shared!.captureAt(keyOf(0), performance.now())!;
const value = {
  payload: { form: 1, bytes: Buffer.from("1") },
  tags: ["everyone"],
  ttlMs: 600_000,
  graceMs: 0,
  loadMs: 1,
  capturedMs: performance.now(),
  capturedWallMs: Date.now(),
  dependency: undefined,
};
let next = 0;
const filler = async (): Promise<void> => {
  while (next < COUNT) {
    const answer = await cache.shared!.fill(keyOf(next++), capture, value);
    if (answer.kind !== "stored") throw new Error(`a fill was ${answer.kind}: ${answer.because}`);
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, filler));
const startedMs = performance.now();
const outcome = await cache.delete({ tags: ["everyone"] });
const ms = performance.now() - startedMs;
if (outcome.kind !== "applied") throw new Error(`the invalidation was ${outcome.kind}`);
const read = await cache.shared!.read(keyOf(COUNT - 1));
if (read.kind !== "absent") throw new Error(`an entry was ${read.kind} afterwards`);
await cache.close();
process.stdout.write(`\n${JSON.stringify({ ms })}\n`);
process.exit(0);
