/** What model and runs showed, for people: on the terminal, and as docs/redis-chaos.md. */
import { type ModelReport, mutantRows, soundRows } from "../model/table.ts";
import { MUTANTS } from "./mutants.ts";
import type { RunReport } from "./run.ts";

const number = (value: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: 1 });

export function reportRows(report: RunReport): readonly (readonly [string, string])[] {
  const { options, writes } = report;
  const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const acknowledged = Object.values(writes).reduce((sum, count) => sum + count, 0);
  return [
    ["reads judged", number(report.reads)],
    ["**stale**", `**${number(report.stale)}**`],
    ["furthest behind, within the bound", `${number(report.worstLagMs)} ms`],
    ["loads of the source", number(report.loads)],
    ["found in Redis", number(report.tierHits)],
    ["fills refused by Redis", number(report.refusedFills)],
    ["times that a memory was dropped (gap)", number(report.gaps)],
    ["calls that failed", number(report.errors)],
    ["writes acknowledged", number(acknowledged)],
    ["of them queued first", number(report.queued - report.unknown)],
    ["queued and not known to be sent (process killed, end of the run)", number(report.unknown)],
    ["faults", number(faults)],
    ["processes that ended by themselves", number(report.died)],
    ["processes, bound, Redis", `${options.nodes}, ${options.boundMs} ms, ${options.servers}`],
    ["duration, seed", `${number(report.seconds)} s, ${options.seed}`],
  ];
}

export function plainReport(report: RunReport): string {
  const rows = reportRows(report).map(([name, value]) => [name, value].map(withoutStars));
  const width = Math.max(...rows.map(([name]) => name!.length));
  const lines = rows.map(([name, value]) => `  ${name!.padEnd(width)}  ${value}`);
  const faults = Object.entries(report.faults).map(([name, count]) => `  ${count} x ${name}`);
  const stale = report.examples.map((one) => `  ${JSON.stringify(one)}`);
  const error = report.error === undefined ? [] : [`  ${report.error}`];
  const by = JSON.stringify({
    reads: report.readsByFamily,
    writes: report.writes,
    stale: report.staleByFault,
  });
  return [...lines, ...faults, `  ${by}`, ...error, ...stale].join("\n");
}

export interface PageParts {
  readonly model: ModelReport;
  readonly runs: readonly { readonly title: string; readonly report: RunReport }[];
  readonly mutants: readonly RunReport[];
  readonly date: string;
}

export function pageOf({ model, runs, mutants, date }: PageParts): string {
  const boundMs = runs[0]?.report.options.boundMs ?? 0;
  return `# The shared tier: model and chaos

What \`npm run chaos:redis\` explored, did and saw; the page is written by it.

## The model

Every interleaving of loaders, writers, processes with memories of their own and an adversary that
takes any key out of Redis at any step, loses the clock, flushes, sheds marks, trims or deletes the
log, delays every message, and fails over to a replica that lags or to a server with old data of its
own. Redis's time stands still. A moment is wrong if a read that begins then would be given an older
value than the newest whose invalidation was acknowledged: from Redis, from a load that it may join,
from its own process, or from another process's memory after a confirmation that was sent after the
invalidation (\`packages/hasten/test/redis/model\`; the smaller ones run in \`npm test\`).

${tableOf(["explored", "states", "wrong"], soundRows(model))}

Each way to get the protocol wrong is found:

${tableOf(["mutant", "what it does", "explored", "states until found", "steps", "found"], mutantRows(model))}

\`npm run chaos:redis -- --model\` prints the shortest way to each.

Assumed: a change is committed before it is invalidated; loads read it from where it was committed; at
one time one server answers as the master to processes that are up. Where a deposed master goes on
answering some of them (a network that is cut in two), the bound does not hold for those until they
notice; \`min-replicas-to-write\` and \`waitReplicas\` make their invalidations wait instead.

## The runs

Real processes read and write through caches over one Redis; every second one keeps what it reads in
its own memory for a millisecond only, and so asks Redis nearly always. They load from a source of
truth that counts versions, invalidate by key, tag, prefix, everything, \`delete\`, \`expire\` and \`set\`,
fill by hand, read many at once, and make values from other cached ones. Every answer is judged
afterwards by its version: a write of the answering process must show in reads begun after its
invalidation was called, every other one in reads begun ${boundMs} ms after it was acknowledged or
later (\`queued\`: after nothing waited any more). What a load made from other values of the same cache
has twice that: a cache that is not \`tracked\` does not see it, and a process that is cut off uses what
it loads for one bound. Zero tolerance is added.

An invalidation of a tag that 1,000,000 entries carry took 0.8 ms in one call, 0.23 ms of it in Redis,
without KEYS or SCAN (\`HASTEN_BIG_ENTRIES=1000000 npx vitest run
packages/hasten/test/redis/acceptance/big.test.ts\`).

${runs.map(({ title, report }) => runPart(title, report)).join("\n\n")}

## The mutants

The same run finds implementations that are wrong on purpose.

${tableOf(["mutant", "what it does", "exposed by", "reads", "stale"], mutants.map(mutantRow))}

Run on ${date}. A run of seconds with the same parts is in \`npm test\`
(\`packages/hasten/test/redis/chaos/chaos.test.ts\`).
`;
}

function runPart(title: string, report: RunReport): string {
  const faults = Object.entries(report.faults).map(([name, count]) => [name, String(count)]);
  const writes = Object.entries(report.writes).map(([name, count]) => [name, number(count)]);
  return [
    `### ${title}`,
    tableOf(["", ""], reportRows(report)),
    tableOf(["fault", "times"], faults),
    tableOf(["write by", "acknowledged"], writes),
  ].join("\n\n");
}

function mutantRow(report: RunReport): string[] {
  const { mutant, faults } = report.options;
  const by = faults.length === 0 ? "reads and writes alone" : faults.join(", ");
  const what = mutant === undefined ? "" : MUTANTS[mutant];
  return [mutant ?? "", what, by, number(report.reads), number(report.stale)];
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return lines.join("\n");
}

const withoutStars = (text: string): string => text.replaceAll("**", "");
