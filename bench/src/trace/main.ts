/**
 * What it costs to record statements in the trace of their request: one statement that does not repeat,
 * and requests per second of an Express app on a real PostgreSQL whose core is saturated.
 */
import { alternate, goal, report, row } from "hasten-tools/bench";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { openSampler } from "./cost.ts";
import { type LoadPlan, measureSubject, type Sample } from "./load.ts";
import { recordNs } from "./record.ts";
import { SCHEMA, SUBJECTS, type Subject } from "./subjects.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 31;
const TRACES = quick ? 100 : 500;
const LOAD_ROUNDS = quick ? 1 : 9;
const PLAN: LoadPlan = quick ? { warmUpSeconds: 1, seconds: 2 } : { warmUpSeconds: 3, seconds: 8 };

await using server = await startPostgres({ flags: [] });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
await client.query(SCHEMA);

const alone: number[] = [];
recordNs(client, 20_000);
for (let round = 0; round < ROUNDS; round++)
  alone.push(recordNs(client, quick ? 5_000 : 20_000) / 1_000);

const { sample, close } = openSampler(server.url);
const kinds = ["bare", "recorded"] as const;
for (const kind of kinds) await sample(kind, TRACES * 2);
const costs = await alternate(kinds, ROUNDS, (kind) => sample(kind, TRACES));
await close();
await client.end();
const [bare, recorded] = kinds.map((kind) => costs.get(kind)!);
const added = recorded!.map((one, round) => one - bare![round]!);

const loads = new Map<Subject, Sample[]>(SUBJECTS.map((name) => [name, []]));
const rates = await alternate(SUBJECTS, LOAD_ROUNDS, async (subject) => {
  const got = await measureSubject(subject, server.url, PLAN);
  loads.get(subject)!.push(got);
  console.error(
    `${subject.padEnd(28)} ${Math.round(got.requestsPerSecond)} requests/s, ${got.cpuUs.toFixed(1)} µs each, core ${Math.round(got.busy * 100)} % busy`,
  );
  return got.requestsPerSecond;
});
const ratios = rates.get("recorded")!.map((one, at) => one / rates.get("no trace")![at]!);
const ratio = row("requests/s, recorded / no trace", "ratio", ratios);
// Where its core is the limit, requests per second are what a request's CPU time leaves.
const cpuOf = (name: Subject): number[] => loads.get(name)!.map((one) => one.cpuUs);
const saturated = row(
  "requests/s of a saturated core, recorded / no trace",
  "ratio",
  cpuOf("recorded").map((one, at) => cpuOf("no trace")[at]! / one),
);
const rowsOf = SUBJECTS.flatMap((name) => [
  row(name, "requests/s", rates.get(name)!),
  row(
    `${name}: CPU of a request`,
    "µs",
    loads.get(name)!.map((one) => one.cpuUs),
  ),
]);
const record = row("the record by itself", "µs of CPU", alone);

await report({
  bench: "trace",
  command: "npm run bench:trace",
  rows: [
    record,
    row("pg pool.query in a trace", "µs of CPU", bare!),
    row("the same, observed", "µs of CPU", recorded!),
    row("added by recording", "µs of CPU", added),
    ...rowsOf,
    ratio,
    saturated,
  ],
  goals: [
    goal("the record by itself, µs", record.median, "<= 1"),
    goal("added by recording, µs of CPU", row("", "", added).median, "<= 1"),
    goal("requests/s, recorded / no trace", ratio.median, ">= 0.97"),
    goal(saturated.name, saturated.median, ">= 0.97"),
  ],
  notes: [
    `Statements that do not repeat: eight different ones in each trace, ${TRACES} traces a sample, one after the other.`,
    "The app answers a request with three statements (one, then two at once) over 20 connections; its process has a core, PostgreSQL and the load have the other.",
    "`no trace` has no trace at all; `a trace, nothing recorded` has what coherence needs anyway.",
  ],
});
