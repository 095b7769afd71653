/**
 * Idempotent index creation.
 *
 * Invariants:
 * - "exists" is said only of a valid index whose definition PostgreSQL itself finds equal: the
 *   wanted one is built on an empty temporary copy of the table and the catalog's rows compared;
 * - a name taken by something else is an error, never a silent success;
 * - one session at a time ensures an index name in a schema; an INVALID leftover is dropped only
 *   when nobody is building it.
 */
import type { Core } from "../core.ts";
import { type Dedicated, dedicated, lockSession } from "../dedicated.ts";
import { ident, type Sql, sql } from "../sql.ts";
import {
  type IndexOutcome,
  type IndexSpec,
  type IndexText,
  indexInvalid,
  renderIndex,
  tableParts,
} from "./spec.ts";

export interface Indexes {
  /**
   * Makes sure that an index exists, is valid and is the one described; builds it CONCURRENTLY
   * by default and then runs ANALYZE.
   * @throws HST_PG_INDEX for a wrong description or a name that belongs to something else
   */
  ensure(spec: IndexSpec): Promise<IndexOutcome>;
}

const BUILD_TIMEOUT_MS = 3_600_000;
const WAIT_MS = 600_000;

/** The `indexes` of a database. */
export const createIndexes = (core: Core): Indexes => ({
  ensure: (spec) => ensureIndex(core, spec),
});

async function ensureIndex(core: Core, spec: IndexSpec): Promise<IndexOutcome> {
  const text = renderIndex(spec);
  const options = { statementTimeoutMs: spec.timeoutMs ?? BUILD_TIMEOUT_MS, signal: spec.signal };
  return dedicated(core, options, async (session) => {
    const table = await tableOf(session, spec);
    await lockSession(session, `hasten index ${table.schema}.${text.name}`, {
      waitMs: spec.waitMs ?? WAIT_MS,
      signal: spec.signal,
    });
    const wanted = await wantedDefinition(session, spec, text);
    const found = await indexesNear(session, table, text.name);
    const equal = found.find((one) => one.valid && one.here && one.definition === wanted);
    const named = found.find((one) => one.name === text.name);
    if (named?.valid && named !== equal && !(equal && !spec.name)) throw taken(text.name);
    if (equal !== undefined && (equal === named || spec.name === undefined))
      return { kind: "exists", name: equal.name };
    const leftover = named !== undefined;
    if (leftover) await dropLeftover(session, table, named);
    const startedMs = performance.now();
    await build(session, spec, text, table);
    return {
      kind: leftover ? "rebuilt" : "created",
      name: text.name,
      durationMs: performance.now() - startedMs,
    };
  });
}

interface Table {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
}

async function tableOf(session: Dedicated, spec: IndexSpec): Promise<Table> {
  const { text } = ident(...tableParts(spec));
  const { rows } = await session.run<Table>(sql`
    select c.oid::text as oid, n.nspname as schema, c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${text}) and c.relkind in ('r', 'p', 'm')`);
  if (rows[0] !== undefined) return rows[0];
  throw indexInvalid(`There is no table ${text}.`, "Create it first, or name its schema.");
}

interface Found {
  readonly oid: string;
  readonly name: string;
  readonly valid: boolean;
  readonly here: boolean;
  readonly building: boolean;
  readonly definition: string;
}

/** What makes two indexes equal, as the catalog has it; the same text for the same index. */
const DEFINITION: Sql = sql`jsonb_build_array(
  am.amname, i.indisunique, i.indimmediate, i.indnkeyatts, to_jsonb(i) -> 'indnullsnotdistinct',
  (select jsonb_agg(pg_get_indexdef(i.indexrelid, n, true) order by n)
     from generate_series(1, i.indnatts) as n),
  i.indclass::text, i.indcollation::text, i.indoption::text,
  pg_get_expr(i.indpred, i.indrelid, true))::text`;

/** Indexes of the table, and whatever index bears the name in its schema. */
async function indexesNear(session: Dedicated, table: Table, name: string) {
  const { rows } = await session.run<Found>(sql`
    select c.oid::text as oid, c.relname as name, i.indisvalid and i.indisready as valid,
      i.indrelid = ${table.oid}::text::oid as here, ${DEFINITION} as definition,
      exists (select from pg_stat_progress_create_index p where p.index_relid = c.oid) as building
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_am am on am.oid = c.relam
    where i.indrelid = ${table.oid}::text::oid
      or (n.nspname = ${table.schema} and c.relname = ${name})
    order by c.relname`);
  return rows;
}

/** Lets PostgreSQL say what the wanted index is, on an empty copy that is rolled back. */
async function wantedDefinition(
  session: Dedicated,
  spec: IndexSpec,
  text: IndexText,
): Promise<string> {
  const table = ident(...tableParts(spec));
  await session.run(sql`begin`);
  try {
    await session.run(sql`create temporary table hasten_probe (like ${table})`);
    await session.run(
      sql`create ${text.unique}index hasten_probe_index on pg_temp.hasten_probe ${text.body}`,
    );
    const { rows } = await session.run<{ definition: string }>(sql`
      select ${DEFINITION} as definition
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am am on am.oid = c.relam
      where i.indexrelid = 'pg_temp.hasten_probe_index'::regclass`);
    return rows[0]!.definition;
  } finally {
    await session.run(sql`rollback`).catch(() => undefined);
  }
}

async function dropLeftover(session: Dedicated, table: Table, found: Found): Promise<void> {
  if (found.building)
    throw indexInvalid(
      `The index ${found.name} is being built by another session.`,
      "Wait for it to end and ensure again.",
    );
  if (!found.here) throw taken(found.name);
  await session.run(sql`drop index concurrently if exists ${ident(table.schema, found.name)}`);
}

/** The build may have failed because another session took the name: its index is not ours to drop. */
async function dropOwnLeftover(session: Dedicated, table: Table, name: string): Promise<void> {
  const found = (await indexesNear(session, table, name)).find((one) => one.name === name);
  if (found !== undefined && !found.valid && found.here) await dropLeftover(session, table, found);
}

async function build(
  session: Dedicated,
  spec: IndexSpec,
  text: IndexText,
  table: Table,
): Promise<void> {
  const target = ident(table.schema, table.name);
  const concurrently = spec.concurrently === false ? sql.empty : sql`concurrently `;
  try {
    await session.run(
      sql`create ${text.unique}index ${concurrently}${ident(text.name)} on ${target} ${text.body}`,
    );
  } catch (error) {
    // A failed concurrent build leaves an unusable index behind that still costs every write.
    if (spec.concurrently !== false)
      await dropOwnLeftover(session, table, text.name).catch(() => undefined);
    throw error;
  }
  if (spec.analyze !== false) await session.run(sql`analyze ${target}`);
}

const taken = (name: string) =>
  indexInvalid(
    `The name ${name} belongs to an index with another definition or of another table.`,
    "Pass another name, or drop that index first.",
  );
