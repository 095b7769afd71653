// What a read costs, beside what it is made of and beside the libraries that do the same.
import { fileURLToPath } from "node:url";
import { alternate, type BenchRow, freshProcess, goal, report, row } from "hasten-tools/bench";
import { peers, takers } from "./subjects.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 7;
const BUDGET_MS = quick ? 100 : 1_000;
const script = fileURLToPath(new URL("./measure.ts", import.meta.url));
const NS_PER_US = 1_000;

interface Measurement {
  readonly what: "hit" | "taken" | "miss" | "herd" | "read" | "allocation";
  readonly of: string;
  readonly name: string;
  readonly unit: "ns" | "µs" | "bytes";
}

function takenName(of: string): string {
  return `hit taken without awaiting (the value itself, no promise): ${of}`;
}

const measurements: readonly Measurement[] = [
  ...["Map.get", "hasten", ...peers].map((of): Measurement => {
    return { what: "hit", of, name: `awaited hit: ${of}`, unit: "ns" };
  }),
  ...takers.map((of): Measurement => {
    return { what: "taken", of, name: takenName(of), unit: "ns" };
  }),
  ...["hasten", ...peers].map((of): Measurement => {
    return { what: "miss", of, name: `awaited miss: ${of}`, unit: "ns" };
  }),
  ...["hasten", ...peers].map((of): Measurement => {
    return { what: "herd", of, name: `1,000 callers of one missing key: ${of}`, unit: "µs" };
  }),
  ...["Map.get", "lru-cache", "hasten peek", "hasten peek, key built per call"].map(
    (of): Measurement => ({ what: "read", of, name: `read: ${of}`, unit: "ns" }),
  ),
  { what: "allocation", of: "hasten peek", name: "allocated per peek", unit: "bytes" },
];

const byName = new Map(measurements.map((one) => [one.name, one]));
const samples = await alternate([...byName.keys()], ROUNDS, async (name) => {
  const { what, of, unit } = byName.get(name)!;
  const { value } = await freshProcess<{ value: number }>(script, {
    args: [what, of, String(BUDGET_MS)],
    nodeFlags: ["--expose-gc"],
  });
  return unit === "µs" ? value / NS_PER_US : value;
});

const rows = new Map<string, BenchRow>(
  measurements.map(({ name, unit }) => [name, row(name, unit, samples.get(name)!)]),
);
const medianOf = (name: string): number => rows.get(name)!.median;
const fastestPeer = Math.min(...peers.map((peer) => medianOf(`awaited hit: ${peer}`)));
const hit = medianOf("awaited hit: hasten");
const floor = medianOf("awaited hit: Map.get");
const taken = medianOf(takenName("hasten"));
const peerTaken = medianOf(takenName("layered-loader"));
const namedPeers = peers.filter((peer) => peer !== "layered-loader");
const fastestNamed = Math.min(...namedPeers.map((peer) => medianOf(`awaited hit: ${peer}`)));

await report({
  bench: "cache",
  command: "npm run bench:cache",
  rows: [...rows.values()],
  goals: [
    goal("awaited hit / awaited Map.get", hit / floor, "<= 1.3"),
    goal("fastest peer's hit / hasten's", fastestPeer / hit, ">= 4"),
    goal("the same without layered-loader", fastestNamed / hit, ">= 4"),
    goal(
      "fastest peer's awaited hit / hasten's, taken without awaiting",
      fastestPeer / taken,
      ">= 4",
    ),
    goal("peek, ns", medianOf("read: hasten peek"), "<= 60"),
    goal("peek with a key built, ns", medianOf("read: hasten peek, key built per call"), "<= 150"),
    goal("bytes allocated per peek", medianOf("allocated per peek"), "<= 1"),
  ],
  notes: [
    `An awaited Map.get, the least that anything awaited can cost, is ${(fastestPeer / floor).toFixed(2)} times as fast as the fastest peer's awaited hit: more than that the second goal cannot reach.`,
    `Hence the row without await: hasten's getOrSet returns the value itself on a hit, so code that looks for a promise before it awaits pays ${taken.toFixed(0)} ns. Of the peers only layered-loader has such a way (getInMemoryOnly, then getAsyncOnly on a miss): ${(peerTaken / taken).toFixed(2)} times hasten's. The others' hits can only be awaited.`,
    "One caller, 1,000 keys that all fit, prebuilt unless said, values by reference everywhere. A fresh process per figure; each figure is the fastest of five stretches, so that a busy machine does not count. A miss loads with an async function that returns at once. Heap growth per peek includes reading the clock once in 256 hits.",
  ],
});
