/**
 * Creates what hasten was allowed to create, and nothing else.
 *
 * Invariants:
 * - A publication that hasten did not make is never changed.
 * - Only tables with a usable replica identity, owned by this role, are ever published: any other
 *   would make the application's own UPDATE and DELETE fail.
 * - One process at a time, each statement with a short wait for locks: nobody queues behind it.
 */
import { quoteIdentifier } from "../ident.ts";
import type { Run } from "./direct.ts";
import { MADE_BY_HASTEN, type PublicationFacts } from "./preflight/facts.ts";
import { qualified } from "./preflight/rule.ts";
import { nameOf, type TableFacts } from "./preflight/tables.ts";
import { changeLogSql, TRIGGERS_VERSION, triggerSql } from "./triggers/schema.ts";

/** What is there, as far as setting up needs it. */
export interface SetupFacts {
  readonly server: { readonly role: string };
  readonly publication: PublicationFacts | undefined;
  readonly triggers: { readonly version: number; readonly usable: boolean };
  readonly tables: readonly TableFacts[];
  readonly publicationName: string;
}

/** Statements that belong together. */
export interface Step {
  readonly does: string;
  readonly sql: readonly string[];
}

/** What would make the publication right; empty when it is, or is not hasten's to change. */
export function publicationSteps(facts: SetupFacts): readonly Step[] {
  const { publication, publicationName, tables } = facts;
  const name = quoteIdentifier(publicationName);
  const fit = tables.filter((table) => table.identity && table.owned);
  if (publication === undefined) {
    // Empty beside the tables of others it would look like the stream, and keep their owner out.
    if (fit.length === 0 && tables.some((table) => !table.owned)) return [];
    const tablesOf =
      fit.length === 0 ? "" : ` FOR TABLE ONLY ${fit.map(qualified).join(", ONLY ")}`;
    const sql = [
      `CREATE PUBLICATION ${name}${tablesOf} WITH (publish_via_partition_root = false)`,
      `COMMENT ON PUBLICATION ${name} IS '${MADE_BY_HASTEN}'`,
    ];
    return [
      {
        does: `created the publication with ${fit.length} ${fit.length === 1 ? "table" : "tables"}`,
        sql,
      },
    ];
  }
  if (!publication.ours || publication.allTables) return [];
  const added = fit.filter((table) => !table.root && !table.published);
  const removed = tables.filter((table) => table.published && !table.identity && !table.root);
  return [
    ...removed.map((table) => ({
      does: `took ${nameOf(table)} out of the publication: it has no replica identity`,
      sql: [`ALTER PUBLICATION ${name} DROP TABLE ONLY ${qualified(table)}`],
    })),
    ...added.map((table) => ({
      does: `added ${nameOf(table)} to the publication`,
      sql: [`ALTER PUBLICATION ${name} ADD TABLE ONLY ${qualified(table)}`],
    })),
  ];
}

/** What would make the change log right for every table that this role owns. */
export function triggerSteps(facts: SetupFacts): readonly Step[] {
  const { server, triggers, tables } = facts;
  const ready = triggers.version === TRIGGERS_VERSION && triggers.usable;
  const log = { does: "created the change log", sql: changeLogSql(server.role) };
  const missing = tables.filter((table) => table.owned && !table.triggered);
  return [
    ...(ready ? [] : [log]),
    ...missing.map((table) => ({
      does: `put the trigger on ${nameOf(table)}`,
      sql: triggerSql(table.schema, table.table),
    })),
  ];
}

const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('hasten setup', 7264))";

/** Each step in its own transaction; gives what was done. Rejects with the first refusal. */
export async function runSteps(run: Run, steps: readonly Step[]): Promise<readonly string[]> {
  const done: string[] = [];
  for (const { does, sql } of steps) {
    await run("BEGIN");
    try {
      await run("SET LOCAL lock_timeout = '3s'");
      await run(LOCK);
      for (const statement of sql) await run(statement);
      await run("COMMIT");
      done.push(does);
    } catch (error) {
      await run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }
  return done;
}
