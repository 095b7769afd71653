// One write in a process of its own: node measure.ts <insert|upsert|update> <subject> <url> <rows> <width>
import { createDatabase } from "hasten/postgres";
import pg from "pg";
import { copyByHand } from "./copy-by-hand.ts";
import { peers } from "./peers.ts";
import { COLUMNS, items, names } from "./shape.ts";

const [what, subject, url, rowsText, widthText] = process.argv.slice(2) as [
  "insert" | "upsert" | "update",
  string,
  string,
  string,
  string,
];
const rows = Number(rowsText);
const width = Number(widthText);
const WARM_ROWS = 20_000;
const all = names(width).join(", ");
const set = (from: string): string =>
  names(width)
    .slice(1)
    .map((name) => `${name} = ${from}.${name}`)
    .join(", ");

const client = new pg.Client({ connectionString: url });
await client.connect();

/** The table as it is before the write: empty, half of the rows, or all of them, in another version. */
async function prepare(count: number): Promise<void> {
  const columns = COLUMNS.slice(0, width).map(([name, type]) => `${name} ${type}`);
  await client.query(`drop table if exists t; create table t (${columns.join(", ")})`);
  if (what !== "insert") {
    await client.query(`create temp table seed as select ${all} from t with no data`);
    await copyByHand(client, "seed", items(count, 1, width), width);
    const half = what === "upsert" ? "where id % 2 = 0" : "";
    await client.query(`insert into t select * from seed ${half} order by id; drop table seed`);
  }
  if (subject === "server only") {
    await client.query("drop table if exists staged");
    await client.query(`create temp table staged as select ${all} from t with no data`);
    await copyByHand(client, "staged", items(count, 2, width), width);
    await client.query("analyze staged");
  }
  await client.query("vacuum analyze t");
  await client.query("checkpoint");
}

const statements = {
  insert: `insert into t (${all}) select ${all} from staged`,
  upsert: `insert into t (${all}) select ${all} from staged on conflict (id) do update set ${set("excluded")}`,
  update: `update t set ${set("staged")} from staged where t.id = staged.id`,
};

interface Running {
  write(count: number): Promise<unknown>;
  close(): Promise<void>;
}

function running(): Running {
  if (subject === "hasten") {
    const db = createDatabase({ url, pool: { min: 1, max: 2 }, statementTimeoutMs: 600_000 });
    return {
      write: (count) => db.bulk("t")[what](items(count, 2, width)),
      close: () => db.drain(),
    };
  }
  const close = async (): Promise<void> => undefined;
  if (subject === "server only") return { write: () => client.query(statements[what]), close };
  if (subject === "pg-copy-streams")
    return { write: (count) => copyByHand(client, "t", items(count, 2, width), width), close };
  const peer = peers[subject]!(url);
  const write = what === "insert" ? peer.insert : peer.upsert!;
  return { write: (count) => write(items(count, 2, width), width), close: peer.close };
}

const one = running();
await prepare(Math.min(rows, WARM_ROWS));
await one.write(Math.min(rows, WARM_ROWS));
await prepare(rows);
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 10);
const startedMs = performance.now();
await one.write(rows);
const seconds = (performance.now() - startedMs) / 1_000;
clearInterval(watch);
peak = Math.max(peak, process.memoryUsage.rss());
const found = await client.query(
  "select count(*)::int as n, count(*) filter (where sku = 'sku-' || (id * 31 + 2))::int as fresh from t",
);
const { n, fresh } = found.rows[0] as { n: number; fresh: number };
if (n !== rows || fresh !== rows)
  throw new Error(`${subject}: ${n} rows, ${fresh} of them written`);
await one.close();
await client.end();
const result = { rowsPerSecond: rows / seconds, grownMiB: (peak - before) / 2 ** 20 };
process.stdout.write(`\n${JSON.stringify(result)}\n`);
