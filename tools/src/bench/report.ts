import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { writeMeasuredPages } from "./page.ts";
import { type BenchGoal, type BenchReport, figure } from "./results.ts";

const RESULTS = fileURLToPath(new URL("../../../bench/results/", import.meta.url));

/**
 * Prints the tables and writes `bench/results/<bench>.json`, both from this run's numbers. A quick
 * run is printed only: its numbers are a smoke test, not a measurement. With `--strict` on the
 * command line a missed goal sets exit code 1.
 */
export async function report(result: BenchReport): Promise<void> {
  print(result);
  if (process.argv.includes("--quick")) {
    console.log("\n--quick: a smoke run, nothing written");
  } else {
    await mkdir(RESULTS, { recursive: true });
    const { bench, command, rows, goals, notes } = result;
    const stored = { bench, command, machine: machine(), rows, goals, ...(notes ? { notes } : {}) };
    await writeFile(`${RESULTS}${bench}.json`, `${JSON.stringify(stored, undefined, 2)}\n`);
    writeMeasuredPages();
  }
  if (process.argv.includes("--strict") && result.goals.some((goal) => !goal.met)) {
    process.exitCode = 1;
  }
}

/** Evaluates a comparison such as `>= 0.9`, so that the printed goal and the verdict cannot differ. */
export function goal(name: string, value: number, comparison: string): BenchGoal {
  const parts = /^(<=|>=|<|>) (-?[\d.]+)$/.exec(comparison);
  if (!parts) throw new Error(`a goal is "<= 1.3" or the like, got "${comparison}"`);
  const limit = Number(parts[2]);
  const met = {
    "<=": value <= limit,
    ">=": value >= limit,
    "<": value < limit,
    ">": value > limit,
  };
  return { name, value, goal: comparison, met: met[parts[1] as keyof typeof met] };
}

function print(result: BenchReport): void {
  console.log(`\n${result.bench}   (${result.command})`);
  table(
    ["", "median", "min", "max", "unit", "runs"],
    result.rows.map((row) => [
      row.name,
      figure(row.median),
      figure(row.min),
      figure(row.max),
      row.unit,
      String(row.runs),
    ]),
  );
  if (result.goals.length > 0) {
    console.log("");
    table(
      ["goal", "wanted", "measured", ""],
      result.goals.map((g) => [g.name, g.goal, figure(g.value), g.met ? "met" : "MISSED"]),
    );
  }
  for (const note of result.notes ?? []) console.log(`\n${note}`);
}

/** Prints rows in aligned columns, the first to the left, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  for (const row of all) {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? "";
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    console.log(cells.join("  ").trimEnd());
  }
}

/** What the numbers were taken on. Names no host. */
function machine(): Record<string, string | number> {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
