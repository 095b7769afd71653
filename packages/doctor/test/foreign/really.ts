/** A schema of others: advised on by the model, then the advice is really carried out and looked at. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { Advice, CreateAdvice } from "../../src/choose/types.ts";
import { diagnose } from "../../src/diagnose.ts";
import { plannedFrom } from "../../src/model/planned.ts";
import { loadParser } from "../../src/parse/parse.ts";
import { workloadFromFile } from "../../src/workload/from-file.ts";
import { briefOf } from "../choose/scene.ts";

export interface Outcome {
  /** `statuses (account_id, id) where deleted_at is null`, without quotes. */
  readonly created: readonly string[];
  readonly dropped: readonly string[];
  /** Created indexes that no real plan uses. */
  readonly unused: readonly string[];
  /** What the advice says it saves together, of the workload's weight. */
  readonly promised: number;
  /** What the real costs say, each statement weighed by its calls and its cost before. */
  readonly saved: number;
  readonly statements: readonly RealStatement[];
  /** What a second run advises, as the first one is described. */
  readonly again: readonly string[];
  /** What that would save, of the weight before the first run. */
  readonly againSaves: number;
}

export interface RealStatement {
  readonly text: string;
  readonly calls: number;
  readonly before: number;
  readonly after: number;
}

const FOLDER = import.meta.dirname;
const fileOf = (name: string, part: string): Promise<string> =>
  readFile(join(FOLDER, name, `${part}.sql`), "utf8");

/** Creates and fills the schema `name` in an empty database, and tries the advice for it. */
export async function tryAdvice(name: string, url: string): Promise<Outcome> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(await fileOf(name, "schema"));
    // A worker's snapshot would keep VACUUM from seeing the rows as visible to all.
    await client.query(
      `do $$ declare t regclass; begin
        for t in select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
          execute format('alter table %s set (autovacuum_enabled = false)', t);
        end loop; end $$`,
    );
    // The last of data.sql is a VACUUM, which goes alone.
    for (const text of (await fileOf(name, "data")).split(/;\n/))
      if (text.trim() !== "") await client.query(text);
    await client.query("set max_parallel_workers_per_gather = 0");
    const queries = await fileOf(name, "queries");
    const before = await realCosts(client, queries);
    const advice = await adviceFor(url, queries);
    const created = await carryOut(client, advice);
    const after = await realCosts(client, queries);
    const used = new Set([...after.values()].flatMap(({ uses }) => uses));
    const statements = [...before].map(([id, { text, calls, cost }]) => ({
      ...{ text, calls, before: cost },
      after: after.get(id)?.cost ?? Number.POSITIVE_INFINITY,
    }));
    const creates = advice.filter((each) => each.kind !== "drop");
    const weight = (of: (it: RealStatement) => number): number =>
      sum(statements, (it) => it.calls * of(it));
    const saved = 1 - weight(({ after: cost }) => cost) / weight(({ before: cost }) => cost);
    const again = await adviceFor(url, queries);
    return {
      created: creates.map(plain),
      dropped: advice.flatMap((each) => (each.kind === "drop" ? [each.index] : each.replaces)),
      unused: creates.filter((each) => !used.has(created.get(each.id) ?? "")).map(plain),
      promised: sum(creates, ({ savedShare }) => savedShare),
      ...{ saved, statements },
      again: again.map((each) => (each.kind === "drop" ? `drop ${each.index}` : plain(each))),
      againSaves: (1 - saved) * sum(again, (each) => (each.kind === "drop" ? 0 : each.savedShare)),
    };
  } finally {
    await client.end();
  }
}

async function adviceFor(url: string, queries: string): Promise<readonly Advice[]> {
  const report = await diagnose({ url, env: {}, only: ["indexes"], queries });
  if (report.indexes === undefined) throw new Error(`no advice: ${report.notes.join(" ")}`);
  if (report.indexes.uncovered.length > 0) throw new Error("a statement was not covered");
  return report.indexes.advice;
}

/** Runs the DDL as it stands; answers with the name of the index that each advice made. */
async function carryOut(
  client: pg.Client,
  advice: readonly Advice[],
): Promise<ReadonlyMap<string, string>> {
  const names = async (): Promise<ReadonlySet<string>> => {
    const { rows } = await client.query<{ indexname: string }>("select indexname from pg_indexes");
    return new Set(rows.map(({ indexname }) => indexname));
  };
  const made = new Map<string, string>();
  for (const { id, ddl } of advice) {
    const known = await names();
    for (const text of ddl) await client.query(text);
    const [fresh] = [...(await names())].filter((name) => !known.has(name));
    if (fresh !== undefined) made.set(id, fresh);
  }
  return made;
}

interface Real {
  readonly text: string;
  readonly calls: number;
  readonly cost: number;
  readonly uses: readonly string[];
}

async function realCosts(client: pg.Client, queries: string): Promise<ReadonlyMap<string, Real>> {
  const { statements } = workloadFromFile(queries, await loadParser());
  const costs = new Map<string, Real>();
  for (const { id, text, calls, planText } of statements) {
    const { rows } = await client.query(`explain (generic_plan, format json) ${planText}`);
    const planned = plannedFrom(rows);
    if (planned.kind === "refused") throw new Error(planned.because);
    costs.set(id, { text, calls, cost: planned.totalCost, uses: planned.usesExisting });
  }
  return costs;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

const plain = (advice: CreateAdvice): string =>
  briefOf(advice)
    .replaceAll('"', "")
    .replaceAll("pg_catalog.", "")
    .replaceAll("((", "(")
    .replaceAll("))", ")")
    .replaceAll(", (", ", ");
