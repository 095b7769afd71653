import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import pg from "pg";
import { bodyOf } from "../candidates/definition.ts";
import type { Candidate } from "../candidates/types.ts";
import type { Relation } from "../catalog/types.ts";
import { explainOnServer } from "../choose/explain.ts";
import { plannedFrom } from "../model/planned.ts";
import type { Explain, IndexChange, Planned, Planner, Refused } from "../model/types.ts";

export interface ServerPlannerOptions {
  /** A role that may write: the indexes are really created. */
  readonly url: string;
  readonly relations: readonly Relation[];
  /** Whether tables of new expression indexes are analysed, as after a real creation. Default true. */
  readonly analyze?: boolean;
}

/**
 * The truth to compare other planners with: each index is really created on a scratch server, inside
 * a transaction that is rolled back. An index that is taken away is marked invalid within it, which
 * the planner treats like a missing one, constraint or not; that needs a superuser.
 */
export async function openServerPlanner(options: ServerPlannerOptions): Promise<Planner> {
  const client = new pg.Client({ connectionString: options.url });
  await client.connect();
  await client.query("set max_parallel_workers_per_gather = 0");
  const version = await client.query<{ v: string }>(
    "select current_setting('server_version_num') v",
  );
  const server: Server = {
    client,
    major: Math.floor(Number(version.rows[0]?.v) / 10_000),
    relations: new Map(options.relations.map((relation) => [relation.oid, relation])),
    analyze: options.analyze ?? true,
  };
  const explain: Explain = (statement) =>
    inTransaction(client, () => guarded(server, new Map())(statement));
  return {
    source: "server",
    explain,
    whatIf: (change, plan) =>
      inTransaction(client, async () => {
        const { ids, refused } = await apply(server, change);
        return plan(guarded(server, ids), refused);
      }),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

interface Server {
  readonly client: pg.Client;
  readonly major: number;
  readonly relations: ReadonlyMap<number, Relation>;
  readonly analyze: boolean;
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query("begin");
  try {
    return await work();
  } finally {
    await client.query("rollback");
  }
}

/** A statement that fails leaves the transaction as it was. */
function guarded(server: Server, ids: ReadonlyMap<string, string>): Explain {
  const ask = async (text: string): Promise<readonly object[]> =>
    (await server.client.query(text)).rows;
  return async (statement): Promise<Planned> => {
    await ask("savepoint explain");
    try {
      const parameters = (): number => highestParameter(statement.planText);
      return plannedFrom(
        await explainOnServer({ ask, major: server.major, parameters }, statement),
        ids,
      );
    } catch (error) {
      return { kind: "refused", because: sqlstate(error) };
    } finally {
      await ask("rollback to savepoint explain");
    }
  };
}

/** Good enough for the texts of tests, whose literals hold no `$1`. */
function highestParameter(text: string): number {
  return Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
}

function sqlstate(error: unknown): string {
  return error instanceof pg.DatabaseError ? `SQLSTATE ${error.code}` : "the connection failed";
}

async function apply(
  server: Server,
  change: IndexChange,
): Promise<{ ids: Map<string, string>; refused: readonly Refused[] }> {
  const ids = new Map<string, string>();
  const refused: Refused[] = [];
  for (const oid of change.drop)
    await server.client.query("update pg_index set indisvalid = false where indexrelid = $1", [
      oid,
    ]);
  for (const [at, candidate] of change.add.entries()) {
    await server.client.query("savepoint build");
    try {
      for (const name of await build(server, candidate, `hasten_what_if_${at}`))
        ids.set(name, candidate.id);
      await server.client.query("release savepoint build");
    } catch (error) {
      await server.client.query("rollback to savepoint build");
      refused.push({ candidate: candidate.id, because: sqlstate(error) });
    }
  }
  return { ids, refused };
}

/** Creates it and answers with its name and those of its partitions'. */
async function build(
  server: Server,
  candidate: Candidate,
  name: string,
): Promise<readonly string[]> {
  const relation = server.relations.get(candidate.relation);
  if (relation === undefined) throw new Error("no such relation");
  if (candidate.extension !== undefined)
    await server.client.query(`create extension if not exists ${candidate.extension}`);
  const table = quoteQualified([relation.schema, relation.name]);
  await server.client.query(
    `create index ${quoteIdentifier(name)} on ${table} ${bodyOf(candidate)}`,
  );
  if (server.analyze && candidate.keys.some(({ column }) => column === undefined))
    await server.client.query(`analyze ${table}`);
  const { rows } = await server.client.query<{ relname: string }>(
    `select c.relname from pg_partition_tree($1::regclass) t join pg_class c on c.oid = t.relid`,
    [quoteQualified([relation.schema, name])],
  );
  return [name, ...rows.map(({ relname }) => relname)];
}
