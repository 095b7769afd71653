/**
 * `npm run chaos:redis`: the model, the long runs, then each mutant, then docs/redis-chaos.md.
 * Exit code 1 if an answer was stale, or a mutant was not found.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { modelReport } from "../model/table.ts";
import { isMutant, MUTANT_NAMES, type Mutant } from "./mutants.ts";
import { electionRun, longRun, mutantRun, shortRun } from "./presets.ts";
import { pageOf, plainReport } from "./report.ts";
import { chaosRun, type RunOptions, type RunReport } from "./run.ts";

const PAGE = fileURLToPath(new URL("../../../../../docs/redis-chaos.md", import.meta.url));
const HELP = `npm run chaos:redis -- [options]

  --reads=100000    answers to judge in the long run
  --seconds=110     its longest duration
  --seed=1          of everything that is random
  --alone           the long runs without model and mutants; writes no page
  --short           the run of npm test; writes no page
  --elections       the run with Sentinels only; writes no page
  --model           the model only, with the shortest way to each mutant; writes no page
  --mutant=<name>   only this one: ${MUTANT_NAMES.join(", ")}
  --verbose         what the processes say
`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const has = (flag: string): boolean => process.argv.includes(`--${flag}`);
const option = (name: string): string | undefined =>
  process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const seed = Number(option("seed") ?? 1);
const only = option("mutant");

// Servers and processes of a run do not keep this one alive.
const alive = setInterval(() => undefined, 1_000);
await chosen();
clearInterval(alive);

async function chosen(): Promise<void> {
  if (has("help")) say(HELP);
  else if (only !== undefined && !isMutant(only)) {
    say(`There is no mutant "${only}".\n\n${HELP}`);
    process.exitCode = 2;
  } else if (only !== undefined) await mutant(only);
  else if (has("model")) modelReport(true, say);
  else if (has("short")) await sound("short run", shortRun(seed));
  else if (has("elections")) await sound("elections", electionRun(seed));
  else await everything();
}

async function everything(): Promise<void> {
  const alone = has("alone");
  const model = alone ? undefined : modelReport(true, () => undefined);
  for (const { name, because } of model?.sound ?? []) if (because !== undefined) failed(name);
  for (const { name, because } of model?.mutants ?? []) if (because === undefined) failed(name);
  const long = longRun(seed);
  const reads = Number(option("reads") ?? long.reads);
  const secondsMax = Number(option("seconds") ?? long.secondsMax);
  const runs = [
    { title: "One server", report: await sound("long run", { ...long, reads, secondsMax }) },
    { title: "Sentinels", report: await sound("elections", electionRun(seed)) },
  ];
  const total = runs.reduce((sum, { report }) => sum + report.reads, 0);
  if (total < reads) failed(`only ${total} reads`);
  if (model === undefined) return;
  const mutants: RunReport[] = [];
  for (const name of MUTANT_NAMES) mutants.push(await mutant(name));
  writeFileSync(
    PAGE,
    pageOf({ model, runs, mutants, date: new Date().toISOString().slice(0, 10) }),
  );
  say("\nwritten: docs/redis-chaos.md");
}

async function sound(title: string, options: RunOptions): Promise<RunReport> {
  const report = await told(title, options);
  if (report.stale + report.died + report.errors > 0) process.exitCode = 1;
  return report;
}

async function mutant(name: Mutant): Promise<RunReport> {
  const report = await told(`mutant ${name}`, mutantRun(name, seed));
  if (report.stale === 0) failed(`the mutant ${name} was not found`);
  return report;
}

function failed(what: string): void {
  say(`  failed: ${what}`);
  process.exitCode = 1;
}

async function told(title: string, options: RunOptions): Promise<RunReport> {
  say(`\n${title}`);
  const report = await chaosRun({ ...options, onLine: has("verbose") ? say : undefined });
  say(plainReport(report));
  return report;
}
