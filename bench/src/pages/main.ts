/**
 * What a page costs at the start and deep inside a list: by cursor, by OFFSET and by the expanded
 * OR of popular libraries, on a real server. A read is all an API does for it: building the
 * statement, the round trip over loopback, the cursors of the page.
 */

import { createDatabase } from "hasten/postgres";
import { alternate, goal, report, row } from "hasten-tools/bench";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import {
  type Connections,
  type Sort,
  type Subject,
  type Subjects,
  subjectsOf,
} from "./subjects.ts";
import { fill } from "./table.ts";

const quick = process.argv.includes("--quick");
const ROWS = quick ? 50_000 : 1_000_000;
const DEPTH = ROWS * 0.99;
const ROUNDS = quick ? 5 : 15;
/** Reads per round of the ways that are fast; a round's sample is their median. */
const READS = 40;
const SORTS: readonly Sort[] = ["newest", "mixed"];

const milliseconds = async (subject: Subject): Promise<number> => {
  const started = performance.now();
  await subject.read();
  return performance.now() - started;
};

/** The buffers one read touches, by EXPLAIN (ANALYZE, BUFFERS). */
async function buffersOf(client: pg.Client, { text, values }: Subject): Promise<number> {
  const explain = `explain (analyze, buffers, timing off, format json) ${text}`;
  const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>(
    explain,
    [...values],
  );
  const plan = rows[0]!["QUERY PLAN"][0].Plan;
  return plan["Shared Hit Blocks"]! + plan["Shared Read Blocks"]!;
}

/** Every way must give the same page, or the comparison means nothing. */
async function expectSamePage({ deep, offset, expandedOr }: Subjects): Promise<void> {
  const pages = new Set<string>();
  for (const subject of [deep, offset, expandedOr])
    pages.add((await subject.read()).map((one) => one.id).join());
  if (pages.size !== 1) throw new Error(`the ways disagree: ${[...pages].join(" / ")}`);
}

async function medianRead(subject: Subject, reads: number): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < reads; i++) samples.push(await milliseconds(subject));
  return samples.sort((a, b) => a - b)[samples.length >> 1]!;
}

async function measure(connections: Connections, sort: Sort): Promise<Measured> {
  const subjects = await subjectsOf(connections, sort, DEPTH);
  await expectSamePage(subjects);
  const slow: readonly string[] = [subjects.offset.name, subjects.expandedOr.name];
  const all = new Map(Object.values(subjects).map((one: Subject) => [one.name, one]));
  for (const subject of all.values())
    await medianRead(subject, slow.includes(subject.name) ? 2 : 400);
  const times = await alternate([...all.keys()], ROUNDS, (name) =>
    medianRead(all.get(name)!, slow.includes(name) ? 1 : READS),
  );
  const timeRows = [...times].map(([name, samples]) => row(name, "ms", samples));
  const buffers = new Map<string, number>();
  for (const [name, subject] of all)
    buffers.set(name, await buffersOf(connections.client, subject));
  const bufferRows = [...buffers].map(([name, count]) => row(name, "buffers", [count]));
  const time = (subject: Subject): number =>
    timeRows.find((one) => one.name === subject.name)!.median;
  const { first, second, deep } = subjects;
  const inBuffers = buffers.get(deep.name)! / buffers.get(first.name)!;
  return {
    rows: [...timeRows, ...bufferRows],
    goals: [
      goal(`${sort}: buffers, deep / page 1`, inBuffers, "<= 3"),
      goal(`${sort}: median time, deep / page 1`, time(deep) / time(first), "<= 1.3"),
      goal(`${sort}: median time, deep / page 2`, time(deep) / time(second), "<= 1.3"),
    ],
  };
}

interface Measured {
  readonly rows: ReturnType<typeof row>[];
  readonly goals: ReturnType<typeof goal>[];
}

await using server = await startPostgres({ flags: ["-c", "shared_buffers=512MB"] });
const client = new pg.Client(server.url);
await using db = await createDatabase({ url: server.url, pool: { min: 1, max: 1 } });
await client.connect();
try {
  await fill(client, ROWS);
  const measured: Measured[] = [];
  for (const sort of SORTS) measured.push(await measure({ db, client }, sort));
  await report({
    bench: "pages",
    command: "npm run bench:pages",
    rows: measured.flatMap((one) => one.rows),
    goals: measured.flatMap((one) => one.goals),
    notes: [
      `${ROWS.toLocaleString("en-US")} rows in no order on disk, all in memory; 20 rows a page; deep means after ${DEPTH.toLocaleString("en-US")} rows.`,
      "newest: created descending, five rows an instant. mixed: status ascending, score descending with NULLs last, every tenth score NULL.",
      `A sample by cursor is the median of ${READS} reads by db.page, one after the other: checking the cursor, building the statement, the round trip, the look at the other side, signing the cursors.`,
    ],
  });
} finally {
  await client.end();
}
