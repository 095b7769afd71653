import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BenchReport, type BenchRow, figure } from "./results.ts";

type Stored = BenchReport & { readonly machine: Readonly<Record<string, string | number>> };

const root = fileURLToPath(new URL("../../../", import.meta.url));
const RESULTS = `${root}bench/results/`;
const START = "<!-- measured: npm run bench -->";
const END = "<!-- /measured -->";

/** The pages that show results, with what they should say by the results on disk. */
export function measuredPages(): readonly { readonly path: string; readonly text: string }[] {
  const results = existsSync(RESULTS)
    ? readdirSync(RESULTS).filter((f) => f.endsWith(".json"))
    : [];
  const stored = results
    .sort()
    .map((file) => JSON.parse(readFileSync(RESULTS + file, "utf8")) as Stored);
  const readme = readFileSync(`${root}README.md`, "utf8");
  const [before, rest] = readme.split(START);
  const after = rest?.split(END)[1];
  const pages = [{ path: "docs/measurements.md", text: measurements(stored) }];
  if (before === undefined || after === undefined) return pages;
  const table = readmeTable(stored.find((one) => one.bench === "http"));
  return [...pages, { path: "README.md", text: `${before}${START}\n${table}${END}${after}` }];
}

/** Writes the pages; called after every measured run. */
export function writeMeasuredPages(): void {
  for (const page of measuredPages()) writeFileSync(root + page.path, page.text);
}

function measurements(results: readonly Stored[]): string {
  const head = `# Measurements

Every table is what its command printed, on the machine named below it: medians over fresh
processes in alternating order, with the lowest and highest run. Run the command to get yours. This
page is written by the benchmarks from \`bench/results/*.json\`.
`;
  return [head, ...results.map(section)].join("\n");
}

function section(result: Stored): string {
  const { cpu, cores, memoryGiB, node, date } = result.machine;
  return [
    `## ${result.bench}`,
    `\`${result.command}\``,
    rowsTable(result.rows),
    result.goals.length > 0 ? goalsTable(result) : undefined,
    ...(result.notes ?? []),
    `*${cores} cores of ${cpu}, ${memoryGiB} GiB, Node ${node}, ${date}.*\n`,
  ]
    .filter((part) => part !== undefined)
    .join("\n\n");
}

function rowsTable(rows: readonly BenchRow[]): string {
  const lines = rows.map(
    (row) =>
      `| ${row.name} | ${figure(row.median)} | ${figure(row.min)} | ${figure(row.max)} | ${row.unit} | ${row.runs} |`,
  );
  return ["| | median | min | max | unit | runs |", "|---|--:|--:|--:|---|--:|", ...lines].join(
    "\n",
  );
}

function goalsTable(result: Stored): string {
  const lines = result.goals.map(
    (goal) =>
      `| ${goal.name} | ${goal.goal} | ${figure(goal.value)} | ${goal.met ? "met" : "**missed**"} |`,
  );
  return ["| goal | wanted | measured | |", "|---|--:|--:|---|", ...lines].join("\n");
}

function readmeTable(http: Stored | undefined): string {
  if (http === undefined) return "";
  const rows = http.rows.filter((row) => row.unit === "requests/s");
  const lines = rows.map(
    (row) => `| ${row.name} | ${figure(row.median)} | ${figure(row.min)}-${figure(row.max)} |`,
  );
  const { cores, cpu, node, date } = http.machine;
  return [
    "| | requests/s (median) | range |",
    "|---|--:|--:|",
    ...lines,
    "",
    `\`${http.command}\`: ${cores} cores of ${cpu}, Node ${node}, ${date}.`,
    "",
  ].join("\n");
}
