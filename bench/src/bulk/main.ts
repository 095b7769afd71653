// Many rows in, beside the wire's own speed and beside other libraries.
import { fileURLToPath } from "node:url";
import { type BenchGoal, type BenchRow, freshProcess, goal, report, row } from "hasten-tools/bench";
import { startPostgres } from "hasten-tools/postgres";
import { peers } from "./peers.ts";
import { measureReading } from "./reading.ts";

const quick = process.argv.includes("--quick");
const ROWS = quick ? 50_000 : 500_000;
/** So many rounds, or as many of the least as there is time for. */
const ROUNDS = quick ? 1 : 5;
const ROUNDS_LEAST = quick ? 1 : 3;
const ROUNDS_MS = 240_000;
const READ_ROWS = quick ? 20_000 : 100_000;
const READ_ROUNDS = quick ? 1 : 3;
/** Other libraries are slower by so much that a part of the rows, and fewer runs, tell their rate. */
const PEER_ROWS = quick ? 10_000 : 50_000;
const PEER_ROUNDS = 1;
const SINGLE_ROWS = quick ? 1_000 : 10_000;
const MEMORY_ROWS = quick ? 200_000 : 2_000_000;
const WIDTHS = [3, 8, 16];
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Measured {
  readonly rowsPerSecond: number;
  readonly grownMiB: number;
}

await using server = await startPostgres({ flags: [] });
const measure = (what: string, subject: string, rows: number, width: number): Promise<Measured> =>
  freshProcess<Measured>(here("./measure.ts"), {
    args: [what, subject, server.url, String(rows), String(width)],
    nodeFlags: ["--expose-gc", "--max-semi-space-size=16"],
    timeoutMs: 300_000,
  });

const LIMIT = { insert: "pg-copy-streams", upsert: "server only", update: "server only" } as const;
const OPERATIONS = ["insert", "upsert", "update"] as const;
const rates = new Map<string, number[]>();
const grown: number[] = [];
const key = (what: string, width: number, subject: string): string =>
  `${what}, ${width} columns: ${subject}`;
const keep = (name: string, { rowsPerSecond }: Measured): void => {
  rates.set(name, [...(rates.get(name) ?? []), rowsPerSecond]);
};

const startedMs = performance.now();
for (let round = 0; round < ROUNDS; round++) {
  if (round >= ROUNDS_LEAST && performance.now() - startedMs > ROUNDS_MS) break;
  for (const width of WIDTHS)
    for (const what of OPERATIONS) {
      const pair = ["hasten", LIMIT[what]];
      for (const subject of round % 2 === 0 ? pair : pair.toReversed()) {
        const measured = await measure(what, subject, ROWS, width);
        keep(key(what, width, subject), measured);
        if (subject === "hasten") grown.push(measured.grownMiB);
      }
    }
}
for (let round = 0; round < PEER_ROUNDS; round++)
  for (const width of WIDTHS)
    for (const what of ["insert", "upsert"] as const) {
      const others = Object.keys(peers).filter(
        (name) => what === "insert" || name !== "single inserts",
      );
      for (const subject of round % 2 === 0 ? others : others.toReversed()) {
        const rows = subject === "single inserts" ? SINGLE_ROWS : PEER_ROWS;
        keep(key(what, width, subject), await measure(what, subject, rows, width));
      }
    }
const large = await measure("insert", "hasten", MEMORY_ROWS, 3);
const reading = await measureReading({ url: server.url, rows: READ_ROWS, rounds: READ_ROUNDS });

const rows: BenchRow[] = [...rates]
  .sort(([a], [b]) => order(a) - order(b))
  .map(([name, samples]) => row(name, "rows/s", samples));
const median = (name: string): number => rows.find((one) => one.name === name)!.median;
const share = (what: keyof typeof LIMIT, width: number): number =>
  median(key(what, width, "hasten")) / median(key(what, width, LIMIT[what]));
const ORMS = ["knex", "sequelize", "drizzle", "postgres.js"];
const best = (what: string, width: number): number =>
  Math.max(...ORMS.map((name) => median(key(what, width, name))));

function order(name: string): number {
  const [what, rest] = name.split(", ") as [string, string];
  const width = Number.parseInt(rest, 10);
  return OPERATIONS.indexOf(what as never) * 100 + width;
}

const goals: BenchGoal[] = WIDTHS.flatMap((width) => [
  goal(`insert of pg-copy-streams by hand, ${width} columns`, share("insert", width), ">= 0.9"),
  goal(`upsert of server-only ON CONFLICT, ${width} columns`, share("upsert", width), ">= 0.85"),
  goal(
    `upsert, of the fastest other library, ${width} columns`,
    median(key("upsert", width, "hasten")) / best("upsert", width),
    ">= 1.5",
  ),
  goal(`update of server-only UPDATE … FROM, ${width} columns`, share("update", width), ">= 0.85"),
]);
await report({
  bench: "bulk",
  command: "npm run bench:bulk",
  rows: [
    ...rows,
    row("resident memory grown, hasten", "MiB", [...grown, large.grownMiB]),
    ...reading.rows,
  ],
  goals: [
    ...goals,
    goal("resident memory grown at most, MiB", Math.max(...grown, large.grownMiB), "< 50"),
    ...reading.goals,
  ],
  notes: [
    `${ROWS.toLocaleString("en-US")} rows from a generator, each run a fresh process, in alternating order, PostgreSQL on loopback on the same machine; other libraries write ${PEER_ROWS.toLocaleString("en-US")} rows in one transaction, 1,000 a statement, single inserts ${SINGLE_ROWS.toLocaleString("en-US")}. Each process first writes ${(20_000).toLocaleString("en-US")} rows to a table that is dropped. An upsert meets half of its rows, an update all of them; every row changes.`,
    `"pg-copy-streams" is fed in 64 KiB pieces by an encoder written by hand for these columns. "server only" takes its rows from a temporary table that was loaded and analysed before the clock started: it moves nothing. hasten's time has everything in it, from the first row asked for to COMMIT.`,
    `Reading: ${READ_ROWS.toLocaleString("en-US")} rows of a table, every row touched, each run a fresh process after one pass to warm up; RSS growth is over that pass. Ratios are medians of the rounds' own.`,
    `V8 holds its young generation at 16 MiB a half in all of them (by itself it takes it to 32, whatever the program). Memory: the largest growth of a process over its size before the write, one of them with ${MEMORY_ROWS.toLocaleString("en-US")} rows.`,
  ],
});
