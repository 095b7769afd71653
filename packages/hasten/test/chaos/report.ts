/** What a run showed, for people: on the terminal, and as docs/chaos.md. */
import type { Setting } from "./presets.ts";
import { LOADED_BOUND_MS, REPLICA_LAG_MS } from "./replica.ts";
import type { RunReport } from "./run-types.ts";

const number = (value: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: 1 });

export function reportRows(report: RunReport): readonly (readonly [string, string])[] {
  const { tally, writes } = report;
  const answered = tally.hits + tally.misses;
  const share = answered === 0 ? 0 : (100 * tally.hits) / answered;
  const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  return [
    ["reads judged", number(report.reads)],
    ["of them hits", `${number(tally.hits)} (${number(share)} %)`],
    ["**stale**", `**${number(report.stale)}**`],
    ["furthest behind, within the bound", `${number(report.worstLagMs)} ms`],
    ...replicaRows(report),
    ["answers marked as not tracked", number(tally.untracked)],
    ["of them behind, by their time to live", number(report.staleUntracked)],
    ...poolerRows(report),
    ["answers marked as stale (database down), not judged", number(tally.marked)],
    ["requests without an answer (process stopped, killed, database down)", number(tally.errors)],
    ["API processes that ended by themselves", number(report.died)],
    ["commits through the library", number(writes.byApi)],
    ["commits by clients that know nothing of hasten", number(writes.foreign)],
    ["rolled back, or not begun", number(writes.rolledBack)],
    ["commits of unknown outcome", number(writes.unknown)],
    ["faults", number(faults)],
    ["API processes, bound", `${report.options.apis}, ${report.options.boundMs} ms`],
    ["duration, seed", `${number(report.seconds)} s, ${report.options.seed}`],
  ];
}

function replicaRows({ options, loadedLagMs, replicaReads }: RunReport): [string, string][] {
  if (options.replica !== true) return [];
  return [
    ["furthest behind, straight from the replica", `${number(loadedLagMs)} ms`],
    ["queries that the replica answered (processes at the end)", number(replicaReads)],
  ];
}

function poolerRows({ options, tally, poolerDied }: RunReport): [string, string][] {
  if (options.pooler !== true) return [];
  const what = "loaded in a session that a hostile client had changed, and not kept";
  return [
    [what, number(tally.strange)],
    ["PgBouncers that ended by themselves, and were started again", number(poolerDied)],
  ];
}

export function plainReport(report: RunReport): string {
  const rows = reportRows(report).map(([name, value]) => [name, value].map(withoutStars));
  const width = Math.max(...rows.map(([name]) => name!.length));
  const lines = rows.map(([name, value]) => `  ${name!.padEnd(width)}  ${value}`);
  const faults = Object.entries(report.faults).map(([name, count]) => `  ${count} x ${name}`);
  const stale = report.examples.map((one) => `  ${JSON.stringify(one)}`);
  const byRoute = JSON.stringify({
    reads: report.readsByRoute,
    hits: report.hitsByRoute,
    stale: report.staleByRoute,
  });
  return [...lines, ...faults, `  ${byRoute}`, ...stale].join("\n");
}

/** A long run and its mutants. */
export interface Shown {
  readonly long: RunReport;
  readonly mutants: readonly RunReport[];
  readonly date: string;
}

/** The page: the run, its faults, and what each mutant showed. */
export function pageOf({ long, mutants, date }: Shown): string {
  return `# Chaos

What \`npm run chaos\` did and saw; the page is written by it. Real API processes answer cached
routes; others write, through the library and through clients that know nothing of it; things go
wrong. Every answer is judged afterwards by the versions of the rows it shows: a write of the
answering process must show in reads sent after its promise resolved, every other write in reads
sent ${long.options.boundMs} ms after its commit was acknowledged or later. Zero tolerance is added.

## The run

${tableOf(["", ""], reportRows(long))}

${faultTable(long)}

${tableOf(["route", "reads", "hits"], routeRows(long))}

## The mutants

The same run finds implementations that are wrong on purpose.

${tableOf(["mutant", "exposed by", "reads", "stale"], mutants.map(mutantRow))}

Run on ${date}. A run of seconds with the same parts is in \`npm test\`
(\`packages/hasten/test/chaos/chaos.test.ts\`).
`;
}

interface Section {
  readonly title: string;
  readonly text: string;
}

/** In the order in which they stand on the page. */
const SECTIONS: Readonly<Record<Exclude<Setting, "alone">, Section>> = {
  redis: {
    title: "## With Redis",
    text: `\`npm run chaos -- --redis\`: the same processes, routes, writers and oracle, with one Redis that the
processes share and [one leader](leader.md) that reads the log for all of them. Entries of the
response cache come from either tier, and from any process.`,
  },
  pooler: {
    title: "## Behind PgBouncer",
    text: `\`npm run chaos -- --pooler\`: the same processes, routes, writers and oracle, [behind a
PgBouncer](pgbouncer.md) in transaction mode with 4 server connections; changes are read past it. 3 hostile
clients on the same server connections leave \`search_path\`, role, session authorization, temporary
views and other settings behind. What an unqualified name means there is a view whose rows no answer
may show that was kept, or given to more than the request that read it.`,
  },
  replica: {
    title: "## With a replica",
    text: `\`npm run chaos -- --replicas\`: reads go to a [streaming replica](replicas.md) that may be
${REPLICA_LAG_MS} ms behind, writes to the primary. What is kept is judged as everywhere. What a handler loaded for its
own request alone must show the writes whose token the request carried, and is behind others by no more
than ${LOADED_BOUND_MS} ms: the lag that is allowed, two probes, and a busy machine.`,
  },
};

const NEXT = "\n## ";

function placeOf(page: string, title: string): readonly [from: number, to: number] {
  const from = page.indexOf(`\n${title}\n`);
  if (from === -1) return [page.length, page.length];
  const to = page.indexOf(NEXT, from + 1);
  return [from, to === -1 ? page.length : to];
}

/** What runs in other settings wrote, of a page. */
export function sectionsOf(page: string): string {
  const found = Object.values(SECTIONS).map(({ title }) => page.slice(...placeOf(page, title)));
  return found.join("");
}

/** The page with this as what the run in its setting wrote. */
export function withSection(page: string, setting: keyof typeof SECTIONS, shown: Shown): string {
  const { title } = SECTIONS[setting];
  const [from, to] = placeOf(page, title);
  const before = page.slice(0, from).trimEnd();
  return `${before}\n\n${sectionOf(setting, shown)}${page.slice(to)}`;
}

function sectionOf(setting: keyof typeof SECTIONS, { long, mutants, date }: Shown): string {
  const { title, text } = SECTIONS[setting];
  return `${title}

${text}

${tableOf(["", ""], reportRows(long))}

${faultTable(long)}

${tableOf(["route", "reads", "hits"], routeRows(long))}

${tableOf(["mutant", "exposed by", "reads", "stale"], mutants.map(mutantRow))}

Run on ${date}.
`;
}

function faultTable({ faults }: RunReport): string {
  const rows = Object.entries(faults).map(([name, count]) => [name, String(count)]);
  return tableOf(["fault", "times"], rows);
}

function routeRows({ readsByRoute, hitsByRoute }: RunReport): string[][] {
  return Object.entries(readsByRoute).map(([name, count]) => {
    return [name, number(count), number(hitsByRoute[name] ?? 0)];
  });
}

function mutantRow(report: RunReport): string[] {
  const { mutant = "", faults } = report.options;
  const by = faults.length === 0 ? "reads and writes alone" : faults.join(", ");
  return [mutant, by, number(report.reads), number(report.stale)];
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return lines.join("\n");
}

const withoutStars = (text: string): string => text.replaceAll("**", "");
