/**
 * Reading a whole table: a cursor, keyset pages, COPY; hasten beside the drivers' own ways. Each sample
 * is a process of its own, warmed up by one pass, the order of the subjects turned round each round.
 */
import { fileURLToPath } from "node:url";
import {
  alternate,
  type BenchGoal,
  type BenchRow,
  freshProcess,
  goal,
  row,
} from "hasten-tools/bench";
import pg from "pg";
import { type ReadSubject, readSubjects } from "./read-subjects.ts";

const SCRIPT = fileURLToPath(new URL("read-run.ts", import.meta.url));
const WIDTHS = [3, 8, 16] as const;

export interface ReadingOptions {
  readonly url: string;
  readonly rows: number;
  readonly rounds: number;
}

interface Sample {
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly growthMib: number;
}

/** Rows of the report, and the goals. The tables are made in the database of `url`. */
export async function measureReading(
  options: ReadingOptions,
): Promise<{ readonly rows: readonly BenchRow[]; readonly goals: readonly BenchGoal[] }> {
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  for (const width of WIDTHS) {
    await makeTable(options, width);
    const measured = await measureWidth(options, width);
    rows.push(...measured.rows);
    goals.push(...measured.goals);
  }
  return { rows, goals };
}

async function measureWidth(
  { url, rows: count, rounds }: ReadingOptions,
  width: number,
): Promise<{ rows: BenchRow[]; goals: BenchGoal[] }> {
  const subjects = Object.keys(readSubjects) as ReadSubject[];
  const growth = new Map<ReadSubject, number[]>();
  const speeds = await alternate(subjects, rounds, async (subject) => {
    const sample = await freshProcess<Sample>(SCRIPT, {
      args: [url, tableOf(width), subject, "1"],
      nodeFlags: ["--conditions=hasten-source"],
    });
    if (sample.rows !== count) throw new Error(`${subject} read ${sample.rows} of ${count} rows`);
    growth.set(subject, [...(growth.get(subject) ?? []), sample.growthMib]);
    return sample.rowsPerSecond;
  });
  const speedOf = (name: ReadSubject): BenchRow =>
    row(`read ${width} columns: ${name}`, "rows/s", speeds.get(name)!);
  const growthOf = (name: ReadSubject): BenchRow =>
    row(`read ${width} columns, RSS growth: ${name}`, "MiB", growth.get(name)!);
  const ours = ["hasten db.stream, rows", "hasten db.streamTable", "hasten db.copyOut"] as const;
  // Paired by round: what the machine does meanwhile touches both.
  const ratio = (left: ReadSubject, right: ReadSubject): number =>
    row(
      "",
      "",
      speeds.get(left)!.map((one, round) => one / speeds.get(right)![round]!),
    ).median;
  return {
    rows: [...subjects.map(speedOf), ...ours.map(growthOf)],
    goals: [
      goal(
        `read ${width} columns: db.stream, batches() / pg-cursor`,
        ratio("hasten db.stream, batches()", "pg-cursor"),
        ">= 0.9",
      ),
      goal(
        `read ${width} columns: db.stream, rows / pg-cursor`,
        ratio("hasten db.stream, rows", "pg-cursor"),
        ">= 0.9",
      ),
      goal(
        `read ${width} columns: db.copyOut / pg-copy-streams`,
        ratio("hasten db.copyOut", "pg-copy-streams"),
        ">= 0.9",
      ),
      goal(
        `read ${width} columns: RSS growth of db.stream, MiB`,
        growthOf("hasten db.stream, rows").max,
        "< 50",
      ),
      goal(
        `read ${width} columns: RSS growth of db.streamTable, MiB`,
        growthOf("hasten db.streamTable").max,
        "< 50",
      ),
    ],
  };
}

const tableOf = (width: number): string => `read_${width}`;

/** Integers, texts, times and exact numbers in turn; the first column is the key. */
const COLUMNS = [
  "n as c0",
  "'name ' || n as c1",
  "timestamptz '2026-01-01' + n * interval '1 second' as c2",
  "n::int8 * 1000003 as c3",
  "(n % 1000)::numeric / 8 as c4",
  "md5(n::text) as c5",
  "n % 2 = 0 as c6",
  "case when n % 3 = 0 then null else n end as c7",
] as const;

async function makeTable({ url, rows }: ReadingOptions, width: number): Promise<void> {
  const columns = Array.from({ length: width }, (_, index) =>
    COLUMNS[index % COLUMNS.length]!.replace(/ as c\d+$/, ` as c${index}`),
  );
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const table = tableOf(width);
    await client.query(`create table ${table} as
      select ${columns.join(", ")} from generate_series(1, ${rows}) as n`);
    await client.query(`alter table ${table} add primary key (c0)`);
    await client.query(`vacuum analyze ${table}`);
  } finally {
    await client.end();
  }
}
