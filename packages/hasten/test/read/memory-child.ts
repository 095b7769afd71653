/** Reads all rows one way and tells, as JSON, how many there were and how memory grew meanwhile. */
import { createDatabase, sql } from "hasten/postgres";

const [url, way] = process.argv.slice(2) as [string, "stream" | "streamTable" | "copyOut"];
const ROWS = 2_000_000;
const WARM_UP_ROWS = 200_000;
await using db = createDatabase({ url, pool: { min: 0, max: 1 } });
let [count, startBytes, peakBytes] = [0, 0, 0];

function look(rows: number): void {
  count += rows;
  if (count < WARM_UP_ROWS) return;
  const bytes = process.memoryUsage.rss();
  if (startBytes === 0) startBytes = bytes;
  peakBytes = Math.max(peakBytes, bytes);
}

if (way === "stream") {
  const wide = sql`select n, 'name ' || n as name, n::numeric / 7 as part from generate_series(1, ${ROWS}::int) as n`;
  let rows = 0;
  for await (const row of db.stream(wide)) {
    if (row["n"] !== ++rows) throw new Error(`row ${rows} is another`);
    if (rows % 1_000 === 0) look(1_000);
    // Now and then its reader is slow.
    if (rows % 100_000 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
} else if (way === "streamTable") {
  for await (const rows of db.streamTable("many", { rowsPerPage: 5_000 }).batches())
    look(rows.length);
} else {
  const out = db.copyOut("many");
  for await (const chunk of out) look((chunk as Buffer).length / 30);
  count = out.rowCount!;
}
process.stdout.write(
  `${JSON.stringify({ count, growthMib: (peakBytes - startBytes) / 1_048_576 })}\n`,
);
