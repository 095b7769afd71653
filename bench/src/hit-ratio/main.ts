// Hit ratios of eviction policies on public and generated traces, and what an access costs.
import { fileURLToPath } from "node:url";
import {
  alternate,
  type BenchGoal,
  type BenchRow,
  freshProcess,
  goal,
  report,
  row,
} from "hasten-tools/bench";
import { generatedTraces } from "./generated.ts";
import { type Measured, measure, POLICY_NAMES, shortfall } from "./measure.ts";
import { measureSized } from "./sized.ts";
import { hitRatioTable, shortfallTable, sizedTable } from "./tables.ts";
import { publicTraces, type Trace, tracesDirectory } from "./traces.ts";
import { writeMeasured } from "./written.ts";

const COMMAND = "npm run bench:hit-ratio";
const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 5;
const HIT_MS = quick ? 100 : 600;
const HIT_ENTRIES = 10_000;
const ACCESS_ENTRIES = 2_000;
const QUICK_REQUESTS = 60_000;
const HIT_SUBJECTS = ["map", "hasten", "lru-cache"] as const;
const HIT_NAMES = {
  map: `hit: Map.get (${HIT_ENTRIES.toLocaleString("en")} keys)`,
  hasten: "hit: hasten's store",
  "lru-cache": "hit: lru-cache",
} as const;

const NOTES = [
  "Hit ratios by trace and size are in [eviction.md](eviction.md).",
  "The rivals run on whole numbers without a map, the store on string keys with its map: their access costs show the bookkeeping, its cost all of it.",
];

const { traces, absent } = publicTraces();
if (absent.length > 0)
  console.log(
    `Public traces not found, skipped: ${absent.join(", ")} (looked in ${tracesDirectory()}; HASTEN_TRACES names another directory).`,
  );
const onPublic = measure(traces.map(shortened));
const onGenerated = measure(generatedTraces().map(shortened));
const sized = measureSized([...traces, ...generatedTraces()].map(shortened));
const rows = [
  ...shortfallRows("public", onPublic),
  ...shortfallRows("generated", onGenerated),
  ...(await accessRows()),
  ...(await hitRows()),
];
const tables = hitRatios();
console.log(`\nHit ratios in per cent, shortfalls in points\n\n${tables}`);
if (!quick && absent.length === 0) writeMeasured(tables);
await report({ bench: "hit-ratio", command: COMMAND, rows, goals: goals(onPublic), notes: NOTES });

function shortened(trace: Trace): Trace {
  if (!quick) return trace;
  const sizes = trace.sizes.filter((_, at) => at % 3 === 1);
  return { ...trace, sizes, requests: trace.requests.subarray(0, QUICK_REQUESTS) };
}

function shortfallRows(kind: string, measured: readonly Measured[]): readonly BenchRow[] {
  if (measured.length === 0) return [];
  return POLICY_NAMES.flatMap((name) => {
    const { mean, worst, belowLru } = shortfall(name, measured);
    return [
      row(`${kind}: ${name}, mean shortfall to the best`, "points", [mean]),
      row(`${kind}: ${name}, worst shortfall`, "points", [worst]),
      row(`${kind}: ${name}, most below LRU`, "points", [belowLru]),
    ];
  });
}

function goals(measured: readonly Measured[]): BenchGoal[] {
  if (measured.length === 0) return [];
  const { mean, worst, belowLru } = shortfall("hasten", measured);
  return [
    goal("hasten on public traces: mean shortfall to the best policy, points", mean, "<= 1"),
    goal("hasten on public traces: worst shortfall, points", worst, "<= 4"),
    goal("hasten on public traces: most below LRU, points", belowLru, "<= 2"),
  ];
}

/** The tables of hit ratios, printed and written to docs/eviction.md. */
function hitRatios(): string {
  const part = (title: string, measured: readonly Measured[]): string[] =>
    measured.length === 0
      ? [`### ${title}`, "Skipped: the traces were not there."]
      : [`### ${title}`, shortfallTable(measured), hitRatioTable(measured)];
  return [
    ...part("Public traces", onPublic),
    ...part("Generated traces", onGenerated),
    "### Entries of different sizes, bounded by bytes",
    sizedTable(sized),
  ].join("\n\n");
}

async function accessRows(): Promise<readonly BenchRow[]> {
  const script = fileURLToPath(new URL("access-cost.ts", import.meta.url));
  const samples = await alternate(POLICY_NAMES, ROUNDS, async (name) => {
    const args = [name, String(ACCESS_ENTRIES)];
    return (await freshProcess<{ ns: number }>(script, { args })).ns;
  });
  return POLICY_NAMES.map((name) => row(`access: ${name} (Zipf 0.99)`, "ns", samples.get(name)!));
}

async function hitRows(): Promise<readonly BenchRow[]> {
  const script = fileURLToPath(new URL("hit-cost.ts", import.meta.url));
  const samples = await alternate(HIT_SUBJECTS, ROUNDS, async (subject) => {
    const args = [subject, String(HIT_ENTRIES), String(HIT_MS)];
    return (await freshProcess<{ ns: number }>(script, { args })).ns;
  });
  return HIT_SUBJECTS.map((subject) => row(HIT_NAMES[subject], "ns", samples.get(subject)!));
}
