// One subject in a process of its own: node measure.ts <subject> <hit|miss|many> <redis url> <budget ms>
import { subjects } from "./subjects.ts";
import { KEYS } from "./value.ts";

const [name, what, url, budget] = process.argv.slice(2);
const subject = await subjects[name!]!(url!);
const AT_ONCE = 32;
const WARM = 3;
const WARM_SHARE = 0.75;

let misses = 0;
const next = {
  hit: (n: number): string => `k${n % KEYS}`,
  many: (n: number): string => `k${n % KEYS}`,
  miss: (): string => `m${process.pid}-${misses++}`,
}[what as "hit" | "miss" | "many"];

let done = 0;
/** Microseconds an answer, `atOnce` of them under way. */
async function run(forMs: number, atOnce: number): Promise<number> {
  const before = done;
  const startedMs = performance.now();
  const endMs = startedMs + forMs;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      if ((await subject.get(next(done++))) === undefined) throw new Error("no value");
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  return ((performance.now() - startedMs) * 1_000) / (done - before);
}

for (let n = 0; n < KEYS * WARM && what !== "miss"; n++) await subject.get(next(n));
// What is filled is filled in the background.
await new Promise((resolve) => setTimeout(resolve, 200));
// Until the code is compiled: some 25,000 answers, whosever they are.
await run(Number(budget) * WARM_SHARE, what === "many" ? AT_ONCE : 1);
const value = await run(Number(budget), what === "many" ? AT_ONCE : 1);
await subject.close();
process.stdout.write(`\n${JSON.stringify({ value })}\n`);
process.exit(0);
