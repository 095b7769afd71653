/**
 * What the change stream does and costs: how soon another process forgets, how much it follows, what
 * the server pays for it, and what watching adds to a read that is not cached.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { alternate, type BenchRow, freshProcess, goal, report, row } from "hasten-tools/bench";
import { start } from "./children.ts";
import { clientOf, startServer } from "./database.ts";
import { measureLag, percentile } from "./lag.ts";
import { type ListsSample, measureLists, prepareLists, tellOldValues } from "./lists.ts";
import type { OverheadSample } from "./overhead.ts";
import { pinServer } from "./processes.ts";
import type { FromSubscriber } from "./subscriber.ts";
import {
  bigUpdate,
  followed,
  type LoadPlan,
  type Stage,
  serverCpuPercent,
  sustained,
} from "./throughput.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 3;
const OVERHEAD_ROUNDS = quick ? 1 : 7;
const SECONDS = quick ? 3 : 6;
const LAG_SAMPLES = quick ? 100 : 600;
const BIG_ROWS = quick ? 50_000 : 500_000;
const SUBSCRIBERS = [0, 1, 2, 4] as const;
const OVERHEAD = fileURLToPath(new URL("overhead.ts", import.meta.url));

const BATCHES: LoadPlan = {
  connections: 2,
  rowsPerTransaction: 500,
  synchronousCommit: "on",
  seconds: SECONDS,
};
const BESIDE: LoadPlan = { ...BATCHES, rowsPerTransaction: 100, transactionsPerSecond: 100 };
const SINGLE: LoadPlan = { ...BATCHES, connections: 4, rowsPerTransaction: 1 };

const say = (line: string): void => console.error(line);
const rows: BenchRow[] = [];
const one = (name: string, unit: string, value: number): void => {
  rows.push(row(name, unit, [value]));
};

await using server = await startServer();
const writer = await clientOf(server.url);
const asynchronous = await clientOf(server.url);
await asynchronous.query("set synchronous_commit = off");
await asynchronous.query(`insert into big select id, 0 from generate_series(1, ${BIG_ROWS}) id`);
await asynchronous.query("vacuum analyze big");
await prepareLists(asynchronous);

const lags = await following();
const batches = lags.batches;
await costOfSubscribers();
const added = await costOfWatching();
await listsUnderWrites();
await writer.end();
await asynchronous.end();

await report({
  bench: "stream",
  command: "npm run bench:stream",
  rows,
  goals: [
    goal("commit to drop p99, idle, ms", lags.idleP99Ms, "< 5"),
    goal("commit to drop p99, under load, ms", lags.loadP99Ms, "< 5"),
    goal("changes/s without growing lag", batches, ">= 50000"),
    goal("watch + trace, µs of CPU per query", added.micros, "<= 5"),
    goal("watch + trace, % of throughput", added.percent, "<= 3"),
  ],
  notes: [
    "Commit to drop: from the writer's receipt of the commit (a client without hasten) to the moment another process's cache has dropped the answer and cannot give it any more. Clocks are one: the machine's monotonic clock. Zero: dropped before the writer knew.",
    `The server flushes commits (fsync and synchronous_commit on). Under load: ${BESIDE.rowsPerTransaction! * BESIDE.transactionsPerSecond!} changes/s beside. Server, writers, subscribers and clients share the machine's cores.`,
    "Without growing lag: the last third of the run lags at most twice the first third plus 25 ms; the load is lowered until it holds.",
    "Server CPU: all processes of the server from /proc, under the same fixed load, with so many processes subscribed, each with a slot of its own.",
    "Watch + trace: a point read by primary key over loopback, 32 at once on 8 connections, fresh processes in alternating order; the server on one core, the reading process on the other.",
    "Lists: 200 lists of 50 rows by a join over 100,000 rows, asked at random by 32 connections while one row changes every 10 ms. With the default replica identity the server does not tell a changed row's category, so each write drops all lists; with `replica identity full` it drops the one or two that the row is on.",
  ],
});

async function following(): Promise<{ idleP99Ms: number; loadP99Ms: number; batches: number }> {
  await using subscriber = start("subscriber.ts", { url: server.url });
  const ready = await subscriber.next<FromSubscriber>();
  if (ready.kind !== "ready" || ready.promise !== "stream") {
    throw new Error(`the subscriber has no stream: ${JSON.stringify(ready)}`);
  }
  const stage: Stage = { server, writer, subscriber };
  await measureLag(subscriber, writer, { samplesMax: 50, millisecondsMax: 10_000, pauseMaxMs: 5 });
  const idleP99Ms = await lagRows(stage, "idle");
  const beside = [];
  for (let round = 0; round < ROUNDS; round++) beside.push(await followed(stage, BESIDE));
  rows.push(
    row(
      "commit to drop, under load, p50",
      "ms",
      beside.map((it) => it.p50Ms),
    ),
  );
  const loaded = row(
    "commit to drop, under load, p99",
    "ms",
    beside.map((it) => it.p99Ms),
  );
  rows.push(loaded);
  await lagRows({ ...stage, writer: asynchronous }, "synchronous_commit=off");
  const big = await sustained(stage, BATCHES);
  say(`batches ${JSON.stringify(big)}`);
  one("changes/s, transactions of 500 rows", "changes/s", big.changesPerSecond);
  one("  commit to drop meanwhile, p50", "ms", big.p50Ms);
  one("  commit to drop meanwhile, p99", "ms", big.p99Ms);
  await commits(stage, "on");
  await commits(stage, "off");
  const update = await bigUpdate(stage, asynchronous);
  say(`big update ${JSON.stringify(update)}`);
  const name = `update of ${BIG_ROWS.toLocaleString("en-US")} rows`;
  one(`${name}, commit to drop`, "ms", update.lagMs);
  one("  one-row commits beside it, p50", "ms", update.besideP50Ms);
  one("  one-row commits beside it, worst", "ms", update.besideWorstMs);
  return { idleP99Ms, loadP99Ms: loaded.median, batches: big.growing ? 0 : big.changesPerSecond };
}

async function lagRows(stage: Stage, how: string): Promise<number> {
  const p50: number[] = [];
  const p99: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const samples = await measureLag(stage.subscriber, stage.writer, {
      samplesMax: LAG_SAMPLES,
      millisecondsMax: SECONDS * 1_000,
      pauseMaxMs: 5,
    });
    const lagsMs = samples.map((sample) => sample.lagMs);
    p50.push(percentile(lagsMs, 0.5));
    p99.push(percentile(lagsMs, 0.99));
    say(`${how}: ${samples.length} samples, p50 ${p50.at(-1)}, p99 ${p99.at(-1)}`);
  }
  rows.push(row(`commit to drop, ${how}, p50`, "ms", p50));
  const high = row(`commit to drop, ${how}, p99`, "ms", p99);
  rows.push(high);
  return high.median;
}

async function commits(stage: Stage, synchronousCommit: "on" | "off"): Promise<void> {
  const found = await sustained(stage, { ...SINGLE, synchronousCommit });
  say(`single rows, synchronous_commit=${synchronousCommit} ${JSON.stringify(found)}`);
  const name = `single-row commits/s, synchronous_commit=${synchronousCommit}`;
  one(name, "commits/s", found.growing ? 0 : found.commitsPerSecond);
  one("  commit to drop meanwhile, p50", "ms", found.p50Ms);
  one("  commit to drop meanwhile, p99", "ms", found.p99Ms);
}

async function costOfSubscribers(): Promise<void> {
  const plan: LoadPlan = { ...BESIDE, seconds: SECONDS + 2 };
  for (const count of SUBSCRIBERS) {
    const percent = await serverCpuPercent(server, count, plan);
    say(`server CPU with ${count} processes: ${percent} %`);
    one(`server CPU at 10,000 changes/s, ${count} processes`, "% of a core", percent);
  }
}

async function costOfWatching(): Promise<{ micros: number; percent: number }> {
  const subjects = ["bare", "watched"] as const;
  const rates = new Map(subjects.map((name) => [name, [] as number[]]));
  // Apart: on one core, who wakes whom would be measured.
  pinServer(server.pid, "1");
  const cpu = await alternate(subjects, OVERHEAD_ROUNDS, async (mode) => {
    const args = [mode, server.url, quick ? "1" : "3"];
    const sample = await freshProcess<OverheadSample>(OVERHEAD, { args, core: 0 });
    if (mode === "watched" && sample.tags === 0) throw new Error("nothing was tracked");
    rates.get(mode)!.push(sample.queriesPerSecond);
    say(`${mode}: ${JSON.stringify(sample)}`);
    return sample.cpuMicros;
  });
  pinServer(server.pid, `0-${availableParallelism() - 1}`);
  for (const name of subjects) {
    const title = name === "bare" ? "a read, pool alone" : "a read, watched and traced";
    rows.push(row(title, "µs of CPU", cpu.get(name)!));
    rows.push(row(title, "queries/s", rates.get(name)!));
  }
  // Paired by round: what the machine does meanwhile touches both sides.
  const micros = cpu.get("watched")!.map((watched, at) => watched - cpu.get("bare")![at]!);
  const percent = rates
    .get("watched")!
    .map((watched, at) => 100 * (1 - watched / rates.get("bare")![at]!));
  const addedMicros = row("watch + trace adds", "µs of CPU", micros);
  const addedPercent = row("watch + trace costs", "% of throughput", percent);
  rows.push(addedMicros, addedPercent);
  return { micros: addedMicros.median, percent: addedPercent.median };
}

async function listsUnderWrites(): Promise<void> {
  const subjects = ["no cache", "cache", "cache, replica identity full"] as const;
  const samples = new Map(subjects.map((name) => [name, [] as ListsSample[]]));
  await alternate(subjects, ROUNDS, async (name) => {
    await tellOldValues(asynchronous, name === "cache, replica identity full");
    const cached = name !== "no cache";
    const sample = await measureLists(server.url, writer, { cached, seconds: SECONDS });
    say(`lists ${name}: ${JSON.stringify(sample)}`);
    samples.get(name)!.push(sample);
    return sample.requestsPerSecond;
  });
  for (const name of subjects) {
    const found = samples.get(name)!;
    const of = (title: string, unit: string, pick: (it: ListsSample) => number): number =>
      rows.push(row(title, unit, found.map(pick)));
    of(`lists under 100 writes/s, ${name}`, "requests/s", (it) => it.requestsPerSecond);
    of("  p99", "ms", (it) => it.p99Ms);
    if (name !== "no cache") of("  answered from the cache", "%", (it) => 100 * it.hitShare);
  }
}
