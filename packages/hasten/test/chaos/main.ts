/**
 * `npm run chaos`: the long run, then each mutant, then docs/chaos.md. Exit code 1 if an answer was
 * stale, or a mutant was not found.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AnyMutant, isAnyMutant } from "./every-mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { POOLER_MUTANTS, REPLICA_MUTANTS } from "./placed-mutants.ts";
import { longRun, mutantRun, type Setting, shortRun } from "./presets.ts";
import { pageOf, plainReport, sectionsOf, withSection } from "./report.ts";
import { chaosRun } from "./run.ts";
import type { RunOptions, RunReport } from "./run-types.ts";
import { SHARED_MUTANTS } from "./shared-mutants.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/chaos.md", import.meta.url));
const MUTANTS_IN: Readonly<Record<Setting, readonly AnyMutant[]>> = {
  alone: MUTANTS,
  redis: SHARED_MUTANTS,
  pooler: POOLER_MUTANTS,
  replica: REPLICA_MUTANTS,
};
const HELP = `npm run chaos -- [options]

  --redis           the processes share a Redis, and one of them reads the log for all; writes
                    its section of the page
  --pooler          the processes connect through a PgBouncer, which hostile clients use as well;
                    writes its section of the page
  --replicas        reads go to a streaming replica; writes its section of the page
  --reads=100000    answers to judge in the long run
  --seed=1          of everything that is random
  --alone           the long run without the mutants; writes no page
  --short           the run of npm test; writes no page
  --mutant=<name>   only this one: ${[...MUTANTS, ...SHARED_MUTANTS, ...POOLER_MUTANTS, ...REPLICA_MUTANTS].join(", ")}
  --bare            a control: the run of npm test without any cache
  --verbose         what the processes say
`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const option = (name: string): string | undefined =>
  process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const seed = Number(option("seed") ?? 1);
const verbose = process.argv.includes("--verbose");
const setting: Setting =
  (["redis", "pooler", "replica"] as const).find((name) =>
    process.argv.some((arg) => arg === `--${name}` || arg === `--${name}s`),
  ) ?? "alone";
const bare = process.argv.includes("--bare");
const short = bare || process.argv.includes("--short");
const only = option("mutant") ?? after("--mutant");

if (process.argv.includes("--help")) say(HELP);
else if (only === undefined) await everything();
else if (isAnyMutant(only)) await mutant(only);
else {
  say(`There is no mutant "${only}".\n\n${HELP}`);
  process.exitCode = 2;
}

function after(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : (process.argv[at + 1] ?? "");
}

async function everything(): Promise<void> {
  const options = short ? shortRun(seed, setting) : longRun(seed, setting);
  const reads = Number(option("reads") ?? options.reads);
  const long = await told(short ? "short run" : "long run", { ...options, reads, bare });
  const tooFew = long.reads < reads && long.seconds < options.secondsMax;
  if (long.stale + long.staleUntracked + long.died > 0 || tooFew) process.exitCode = 1;
  if (short || process.argv.includes("--alone")) return;
  const mutants: RunReport[] = [];
  for (const name of MUTANTS_IN[setting]) mutants.push(await mutant(name));
  const date = new Date().toISOString().slice(0, 10);
  const page = readFileSync(PAGE, "utf8");
  const run = { long, mutants, date };
  const written =
    setting === "alone"
      ? `${pageOf(run).trimEnd()}\n${sectionsOf(page)}`
      : withSection(page, setting, run);
  writeFileSync(PAGE, written);
  say(`\nwritten: docs/chaos.md`);
}

async function mutant(name: AnyMutant): Promise<RunReport> {
  const report = await told(`mutant ${name}`, mutantRun(name, seed));
  if (report.stale === 0) {
    say(`  the mutant ${name} was not found`);
    process.exitCode = 1;
  }
  return report;
}

async function told(title: string, options: RunOptions): Promise<RunReport> {
  say(`\n${title}`);
  const report = await chaosRun({ ...options, onLine: verbose ? say : undefined });
  say(plainReport(report));
  return report;
}
