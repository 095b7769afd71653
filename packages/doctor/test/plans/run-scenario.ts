import { setTimeout as delay } from "node:timers/promises";
import type { Major } from "hasten-tools/postgres-versions";
import pg from "pg";
import { type NamedFacts, type RelationName, readFacts } from "../../src/plans/facts.ts";
import type { Case, Scenario, ScenarioQuery } from "./scenario.ts";

/** A plan as EXPLAIN printed it, with what the rules may know besides. */
export interface RecordedPlan {
  readonly major: Major;
  readonly case: Case;
  readonly relations: readonly NamedFacts[];
  readonly explain: unknown;
}

export interface Database {
  readonly url: string;
  readonly major: Major;
}

const EXPLAIN = ["analyze", "buffers", "verbose", "settings", "format json"];
/** Until the statistics collector of 14, a process, has the counters of a session that ended. */
const COLLECTED_AFTER_MS = 700;
const SHARED_COUNTERS_SINCE = 15;

/** Both plans of the scenario, in a database that is empty before. */
export async function runScenario(
  database: Database,
  scenario: Scenario,
): Promise<readonly RecordedPlan[]> {
  await prepare(database, scenario.setup);
  const recorded: RecordedPlan[] = [];
  for (const kind of ["positive", "negative"] as const)
    recorded.push(await recordPlan(database, kind, scenario[kind]));
  return recorded;
}

/** Runs the statements and keeps autovacuum from the tables that they make. */
export async function prepare(database: Database, setup: readonly string[]): Promise<void> {
  for (const statements of sessionsOf(setup)) {
    await inSession(database, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
    if (database.major < SHARED_COUNTERS_SINCE) await delay(COLLECTED_AFTER_MS);
  }
  await inSession(database, async (client) => {
    const { rows } = await client.query<{ relation: string }>(
      `select oid::regclass::text as relation from pg_class
        where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace`,
    );
    for (const { relation } of rows)
      await client.query(`alter table ${relation} set (autovacuum_enabled = off)`);
  });
}

/**
 * A session counts its changes when it ends: those that come before an ANALYZE would otherwise be
 * counted as changes since it.
 */
function sessionsOf(setup: readonly string[]): readonly (readonly string[])[] {
  const isAnalyze = (statement: string): boolean => /^(analyze|vacuum)/.test(statement);
  const sessions: string[][] = [];
  for (const statement of setup) {
    const session = sessions.at(-1);
    const before = session?.at(-1);
    if (session === undefined || before === undefined || isAnalyze(statement) !== isAnalyze(before))
      sessions.push([statement]);
    else session.push(statement);
  }
  return sessions;
}

export async function recordPlan(
  database: Database,
  kind: Case,
  asked: ScenarioQuery,
): Promise<RecordedPlan> {
  const explain = await inSession(database, (client) => explained(client, asked));
  if (database.major < SHARED_COUNTERS_SINCE) await delay(COLLECTED_AFTER_MS);
  const relations = await inSession(database, (client) =>
    readFacts(
      async <Row extends object>(text: string, values: readonly unknown[]) =>
        (await client.query<Row & pg.QueryResultRow>(text, [...values])).rows,
      relationsIn(explain),
    ),
  );
  return { major: database.major, case: kind, relations, explain };
}

async function explained(client: pg.Client, asked: ScenarioQuery): Promise<unknown> {
  for (const [name, value] of Object.entries(asked.settings ?? {}))
    await client.query("select set_config($1, $2, false)", [name, value]);
  for (const statement of asked.before ?? []) await client.query(statement);
  const options = (asked.explain ?? EXPLAIN).join(", ");
  const { rows } = await client.query<{ "QUERY PLAN": unknown }>(
    `explain (${options}) ${asked.query}`,
  );
  return rows[0]?.["QUERY PLAN"];
}

function relationsIn(explain: unknown): readonly RelationName[] {
  const found = new Map<string, RelationName>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { "Relation Name": name, Schema: schema } = value as Record<string, unknown>;
    if (typeof name === "string" && (schema === undefined || typeof schema === "string"))
      found.set(`${schema}.${name}`, { schema, name });
    for (const part of Object.values(value)) visit(part);
  };
  visit(explain);
  return [...found.values()];
}

async function inSession<T>(
  database: Database,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
