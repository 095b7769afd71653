// 2,000,000 rows in a process of its own: prints how far its resident memory grew, in MiB.
import { createDatabase } from "hasten/postgres";

const [url, kind, count] = process.argv.slice(2) as [string, "insert" | "upsert", string];
function* rows(to: number) {
  for (let id = 0; id < to; id++) yield { id, name: `name ${id}`, n: id % 97 };
}
const db = createDatabase({ url, pool: { min: 1, max: 1 }, statementTimeoutMs: 120_000 });
await db.bulk("m")[kind](rows(50_000), kind === "insert" ? { transaction: "chunks" } : {});
await db.execute({ text: "truncate m" });
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
const timer = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 10);
const result = await db.bulk("m")[kind](rows(Number(count)));
clearInterval(timer);
await db.drain();
process.stdout.write(
  JSON.stringify({ rows: result.inserted, grownMiB: (peak - before) / 2 ** 20 }),
);
