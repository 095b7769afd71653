/**
 * What it costs to record statements in the trace of their request: one statement that does not repeat,
 * and requests per second of an Express app on a real PostgreSQL whose core is saturated.
 */
import { alternate, goal, report, row } from "hasten-tools/bench";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { type Kind, openSampler } from "./cost.ts";
import { type LoadPlan, leaveCoreToApp, measureSubject, type Sample } from "./load.ts";
import { recordNs } from "./record.ts";
import { SCHEMA, SUBJECTS, type Subject } from "./subjects.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 5 : 61;
const TRACES = quick ? 200 : 800;
/** Until the compiler has settled: some 100,000 statements. */
const WARM_UP_TRACES = 12_000;
const LOAD_ROUNDS = quick ? 1 : 11;
const PLAN: LoadPlan = quick ? { warmUpSeconds: 1, seconds: 2 } : { warmUpSeconds: 3, seconds: 6 };
const KINDS: readonly Kind[] = ["bare", "recorded"];
const SATURATED = 0.95;

await leaveCoreToApp();
await using server = await startPostgres({ flags: [] });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
await client.query(SCHEMA);

const alone: number[] = [];
recordNs(client, 20_000);
for (let round = 0; round < ROUNDS; round++)
  alone.push(recordNs(client, quick ? 5_000 : 20_000) / 1_000);
await client.end();

const within = await costOf("answered within the process");
const real = await costOf("on a real server", server.url);

const samples = new Map<Subject, Sample[]>(SUBJECTS.map((name) => [name, []]));
await alternate(SUBJECTS, LOAD_ROUNDS, async (subject) => {
  const got = await measureSubject(subject, server.url, PLAN);
  samples.get(subject)!.push(got);
  console.error(
    `${subject.padEnd(28)} ${Math.round(got.requestsPerSecond)} requests/s, ${got.cpuUs.toFixed(1)} µs each, core ${Math.round(got.busy * 100)} % busy`,
  );
  return got.requestsPerSecond;
});
const busy = row(
  "share of its core that the app used",
  "ratio",
  SUBJECTS.flatMap((name) => samples.get(name)!.map((one) => one.busy)),
);
const comparisons = [
  against("a trace, nothing recorded", "recorded"),
  against("no trace", "recorded"),
];

await report({
  bench: "trace",
  command: "npm run bench:trace",
  rows: [
    row("the record by itself", "µs of CPU", alone),
    ...within.rows,
    ...real.rows,
    ...SUBJECTS.flatMap((name) => [
      row(
        name,
        "requests/s",
        samples.get(name)!.map((one) => one.requestsPerSecond),
      ),
      row(
        `${name}: CPU of a request`,
        "µs",
        samples.get(name)!.map((one) => one.cpuUs),
      ),
    ]),
    busy,
    ...comparisons.flatMap(({ rates, cpu }) => [rates, cpu]),
  ],
  goals: [
    goal("added to pool.query, answered within the process, µs of CPU", within.added, "<= 1"),
    goal("added to pool.query on a real server, µs of CPU", real.added, "<= 1"),
    ...comparisons.map(({ decides }) => goal(decides.name, decides.median, ">= 0.97")),
  ],
  notes: [
    `Statements that do not repeat: eight different ones in each trace, eight traces at a time. Both are measured in one process in turns; "added" is the median of the differences of ${ROUNDS} neighbours.`,
    "The app answers a request with three prepared statements (one, then two at once) over 20 connections, for 64 clients; its process has a core, PostgreSQL and the load have the others.",
    "`no trace` has no middleware of hasten; `a trace, nothing recorded` opens the trace of each request, which coherence needs anyway. What recording adds is `recorded` against that one; what both cost is `recorded` against `no trace`.",
    `Requests per second are compared where the app used ${SATURATED * 100} % of its core or more, else the CPU time of a request, which is what a saturated core is left with.`,
  ],
});

async function costOf(
  where: string,
  url?: string,
): Promise<{ rows: ReturnType<typeof row>[]; added: number }> {
  const { sample, close } = openSampler(url);
  for (let turn = 0; turn < 4; turn++)
    for (const kind of KINDS) await sample(kind, WARM_UP_TRACES / 4);
  const costs = await alternate(KINDS, ROUNDS, (kind) => sample(kind, TRACES));
  await close();
  const [bare, recorded] = [costs.get("bare")!, costs.get("recorded")!];
  const added = row(
    `added by recording, ${where}`,
    "µs of CPU",
    recorded.map((one, round) => one - bare[round]!),
  );
  const rows = [
    row(`pg pool.query in a trace, ${where}`, "µs of CPU", bare),
    row(`the same, observed, ${where}`, "µs of CPU", recorded),
    added,
  ];
  return { rows, added: added.median };
}

function against(
  base: Subject,
  other: Subject,
): Record<"rates" | "cpu" | "decides", ReturnType<typeof row>> {
  const [before, after] = [samples.get(base)!, samples.get(other)!];
  const rates = row(
    `requests/s, ${other} / ${base}`,
    "ratio",
    after.map((one, at) => one.requestsPerSecond / before[at]!.requestsPerSecond),
  );
  const cpu = row(
    `CPU of a request, ${base} / ${other}`,
    "ratio",
    after.map((one, at) => before[at]!.cpuUs / one.cpuUs),
  );
  return { rates, cpu, decides: busy.median >= SATURATED ? rates : cpu };
}
