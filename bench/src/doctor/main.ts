// The whole of hasten-doctor against a database with the tables of three systems, 27 of them filled.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchRow, freshProcess, goal, report, row } from "hasten-tools/bench";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { build, run, statements } from "./schema.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 5;
const COUNTS = quick ? [50] : [50, 300];
const MS_PER_TICK = 10;
const measureScript = fileURLToPath(new URL("./measure.ts", import.meta.url));

interface Measured {
  readonly wallMs: number;
  readonly rssMiB: number;
  readonly statements: number;
  readonly candidates: number;
  readonly plans: number;
  readonly stepsMs: readonly (readonly [string, number])[];
}

/** What the server's processes have used: the postmaster's own and that of its ended children. */
function serverCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = [11, 12, 13, 14].map((at) => Number(fields[at])).reduce((sum, it) => sum + it, 0);
  return ticks * MS_PER_TICK;
}

await using server = await startPostgres({
  database: "bench",
  flags: ["-c", "shared_preload_libraries=pg_stat_statements", "-c", "autovacuum=off"],
});
const client = new pg.Client({ connectionString: server.url });
await client.connect();
await build(client);
const cacheDir = mkdtempSync(join(tmpdir(), "hasten-bench-doctor-"));
const samples = new Map<string, { unit: string; values: number[] }>();
const keep = (name: string, unit: string, value: number): void => {
  const known = samples.get(name) ?? { unit, values: [] };
  known.values.push(value);
  samples.set(name, known);
};
const once = async (count: number): Promise<Measured> => {
  await run(client, await statements(client, count));
  const beforeMs = serverCpuMs(server.pid);
  const measured = await freshProcess<Measured>(measureScript, {
    args: [server.url, cacheDir],
    timeoutMs: 300_000,
  });
  const label = `${count} statements`;
  const serverMs = serverCpuMs(server.pid) - beforeMs;
  keep(`${label}: wall time`, "ms", measured.wallMs);
  keep(`${label}: peak memory`, "MiB", measured.rssMiB);
  keep(`${label}: candidates`, "count", measured.candidates);
  keep(`${label}: what-if plans`, "count", measured.plans);
  keep(`${label}: CPU of the server`, "ms", serverMs);
  keep(`${label}: CPU of the server, share of a core`, "%", (100 * serverMs) / measured.wallMs);
  for (const [step, stepMs] of measured.stepsMs) keep(`${label}: ${step}`, "ms", stepMs);
  const planMs = measured.stepsMs
    .filter(([step]) => step.startsWith("planning"))
    .reduce((sum, [, stepMs]) => sum + stepMs, 0);
  if (planMs > 0) keep(`${label}: what-if plans a second`, "1/s", (1000 * measured.plans) / planMs);
  return measured;
};

try {
  // The first run boots the model's template, which later ones copy.
  const first = await freshProcess<Measured>(measureScript, {
    args: [server.url, cacheDir],
    timeoutMs: 300_000,
  });
  for (let round = 0; round < ROUNDS; round++)
    for (const count of round % 2 === 0 ? COUNTS : COUNTS.toReversed()) await once(count);
  const rows: BenchRow[] = [
    row("first run on a machine, few statements: wall time", "ms", [first.wallMs]),
    ...[...samples]
      .sort(
        ([a], [b]) =>
          COUNTS.indexOf(Number.parseInt(a, 10)) - COUNTS.indexOf(Number.parseInt(b, 10)),
      )
      .map(([name, { unit, values }]) => row(name, unit, values)),
  ];
  const median = (name: string): number => rows.find((one) => one.name === name)!.median;
  const most = `${COUNTS.at(-1)} statements`;
  await report({
    bench: "doctor",
    command: "npm run bench:doctor",
    rows,
    goals: [
      goal(`${most}: seconds`, median(`${most}: wall time`) / 1000, "<= 30"),
      goal(
        `${most}: % of one core on the server`,
        median(`${most}: CPU of the server, share of a core`),
        "< 1",
      ),
    ],
  });
} finally {
  await client.end();
  rmSync(cacheDir, { recursive: true, force: true });
}
