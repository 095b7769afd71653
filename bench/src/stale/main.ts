// Who serves stale: a load that an invalidation overtakes, a storm, and a connection that is cut.
import { fileURLToPath } from "node:url";
import { type BenchRow, freshProcess, goal, report, row } from "hasten-tools/bench";
import { startRedis } from "hasten-tools/redis";
import { peers } from "./peers/index.ts";
import { BOUND_MS } from "./storm.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 3;
const TIMES = quick ? 3 : 10;
const STORM_MS = quick ? 2_000 : 6_000;
const CUTS = quick ? 1 : 3;
const script = fileURLToPath(new URL("./measure.ts", import.meta.url));

type Counts = Readonly<Record<string, { readonly staleReads: number; readonly reads: number }>>;

const SCENARIOS = [
  "key, same node",
  "key, other node",
  "tag, same node",
  "tag, other node",
  "clear, same node",
  "clear, other node",
  "random reads and writes",
  "connections cut",
];
const PERCENT = 100;

const runs = new Map<string, Counts[]>(Object.keys(peers).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  const names = round % 2 === 0 ? [...runs.keys()] : [...runs.keys()].reverse();
  for (const name of names) {
    await using redis = await startRedis();
    const args = [name, redis.url, TIMES, STORM_MS, CUTS].map(String);
    runs.get(name)!.push(await freshProcess<Counts>(script, { args, timeoutMs: 300_000 }));
  }
}

const rows: BenchRow[] = SCENARIOS.flatMap((scenario) =>
  [...runs].flatMap(([name, all]) => {
    const shares = all.flatMap((counts) => {
      const count = counts[scenario];
      return count === undefined ? [] : [(count.staleReads / count.reads) * PERCENT];
    });
    return shares.length === 0 ? [] : [row(`${scenario}: ${name}`, "% stale", shares)];
  }),
);
const own = rows.filter(({ name }) => name.endsWith(": hasten"));
const reads = runs.get("hasten")!.flatMap((counts) => Object.values(counts));
await report({
  bench: "stale",
  command: "npm run bench:stale",
  rows,
  goals: [
    goal(
      "stale reads of hasten, any scenario and run (%)",
      Math.max(...own.map((r) => r.max)),
      "<= 0",
    ),
    goal(
      "reads of hasten",
      reads.reduce((sum, { reads: n }) => sum + n, 0),
      "> 0",
    ),
  ],
  notes: [
    `Two nodes over one Redis, each library as its pages set it up: ${Object.entries(peers)
      .map(([name, { setup }]) => `${name}: ${setup}`)
      .join(
        "; ",
      )}. A library without a row has no such call, or (other node) nothing that tells other processes.`,
    `key, tag, clear: a load reads the old value, the source changes, the invalidation is awaited, the load ends, and 100 ms later each node reads (${TIMES} times a run). Random: ${STORM_MS / 1_000} s of reads and writes; stale is what is older than a change whose invalidation was acknowledged ${BOUND_MS} ms before the read. Cut: a node's connections are killed while another invalidates; read ${3} s later. Fresh process and fresh Redis for each library and round.`,
  ],
});
