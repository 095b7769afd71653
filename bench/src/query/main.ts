/**
 * What hasten adds to a query: the driver's own pool, `db.query` and a cached `db.query`, one call
 * after the other on the same server, over loopback, in one process in alternating order. Counted is
 * this process's CPU time: the wait for the server is the same for all, and noisier than the difference.
 */

import { createCache } from "hasten/cache";
import { createDatabase, sql } from "hasten/postgres";
import { alternate, goal, report, row } from "hasten-tools/bench";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 5 : 31;
/** Calls per round; a round's sample is their mean. */
const CALLS = quick ? 200 : 2_000;
const WARM_UP = quick ? 500 : 10_000;

await using server = await startPostgres({ flags: [] });
const pool = new pg.Pool({ connectionString: server.url, max: 1, min: 1 });
await using cache = createCache();
await using db = createDatabase({ url: server.url, pool: { min: 1, max: 1 }, cache });

const subjects = {
  "pg pool.query": (n: number): Promise<unknown> => {
    const statement = { text: "select $1::int as n", values: [n], queryMode: "extended" };
    return pool.query(statement);
  },
  "hasten db.query": (n: number): Promise<unknown> => db.query(sql`select ${n}::int as n`),
  "hasten db.query, cache hit": (): Promise<unknown> =>
    db.query(sql`select ${1}::int as n`, { cache: { ttlMs: 3_600_000 } }),
};
type Subject = keyof typeof subjects;
const names = Object.keys(subjects) as Subject[];

async function micros(name: Subject, calls: number): Promise<number> {
  const call = subjects[name];
  const before = process.cpuUsage();
  for (let n = 0; n < calls; n++) await call(n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

try {
  for (const name of names) await micros(name, WARM_UP);
  const samples = await alternate(names, ROUNDS, (name) => micros(name, CALLS));
  const rows = names.map((name) => row(name, "µs of CPU", samples.get(name)!));
  // Paired by round: what the machine does meanwhile touches both sides.
  const bare = samples.get("pg pool.query")!;
  const added = row(
    "added by db.query",
    "µs of CPU",
    samples.get("hasten db.query")!.map((one, round) => one - bare[round]!),
  );
  const hit = rows.find((one) => one.name === "hasten db.query, cache hit")!;
  await report({
    bench: "query",
    command: "npm run bench:query",
    rows: [...rows, added],
    goals: [
      goal("added by db.query, µs of CPU", added.median, "<= 25"),
      goal("cache hit / pool.query", hit.median / rows[0]!.median, "<= 0.2"),
    ],
    notes: [
      `One connection each, ${CALLS.toLocaleString("en-US")} calls one after the other a round, ${ROUNDS} rounds; a sample is the round's mean.`,
      "A cache hit hashes text and values into its key; with cache.key it does not.",
    ],
  });
} finally {
  await pool.end();
}
