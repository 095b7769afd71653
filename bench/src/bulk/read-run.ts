/** One way of reading in a process of its own: warmed up, measured once, told as JSON. */
import { type ReadSubject, readSubjects, touchedSoFar } from "./read-subjects.ts";

const [url, table, subject, warmUps] = process.argv.slice(2) as [string, string, string, string];
let peakBytes = 0;
const look = (): void => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
};
const read = await readSubjects[subject as ReadSubject]({ url, table, look });
for (let round = 0; round < Number(warmUps); round++) await read();
const startBytes = process.memoryUsage.rss();
peakBytes = startBytes;
const started = performance.now();
const rows = await read();
const seconds = (performance.now() - started) / 1_000;
const growthMib = (peakBytes - startBytes) / 1_048_576;
console.log(
  JSON.stringify({ rows, rowsPerSecond: rows / seconds, growthMib, touched: touchedSoFar() }),
);
process.exit(0);
