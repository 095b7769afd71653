/**
 * Copies everything from one database to another.
 *
 * Invariants:
 * - the source is read in one repeatable-read snapshot, the target is written in one transaction: a copy that fails
 *   leaves the target as it was;
 * - at most ROWS_PER_CHUNK rows are in memory, whatever the tables hold;
 * - accounts of the embedded demo stay where they are.
 */
import pg from "pg";
import { judgeTarget, markCopy, type System, systemOf, type Target } from "./system.ts";
import { CLEARING, COPIED_TABLES, type CopiedTable } from "./tables.ts";

export type CopyOutcome =
  | { readonly kind: "copied"; readonly rows: number }
  | { readonly kind: "taken"; readonly because: string };

const ROWS_PER_CHUNK = 2_000;
const CURSOR = "metrics_api_copy";

/** Both clients must be connected and idle. */
export async function copyAll(source: pg.Client, target: pg.Client): Promise<CopyOutcome> {
  await source.query("begin isolation level repeatable read, read only");
  try {
    await target.query("begin");
    const from = await systemOf(source);
    if (from === undefined)
      throw new Error("the source has no system row: its migrations have not run");
    const judged = await judge(from, target);
    if (judged.kind === "taken") {
      await target.query("rollback");
      return judged;
    }
    const rows = await replaceRows(source, target);
    await markCopy(target, from);
    await target.query("commit");
    return { kind: "copied", rows };
  } catch (error) {
    await target.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    await source.query("rollback").catch(() => undefined);
  }
}

/** Whether the database may be written over. Run before its migrations too, so that a refusal changes nothing. */
export async function judge(source: System, target: pg.Client): Promise<Target> {
  const system = await systemOf(target);
  const relations = await target.query<{ count: string }>(
    `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')`,
  );
  const rows = system === undefined || system.id === source.id ? 0 : await countRows(target);
  return judgeTarget(source, { system, relations: Number(relations.rows[0]?.count ?? 0), rows });
}

async function countRows(client: pg.Client): Promise<number> {
  let total = 0;
  for (const { name } of COPIED_TABLES) {
    const known = await client.query("select to_regclass($1) is not null as known", [name]);
    if (known.rows[0]?.known !== true) continue;
    const { rows } = await client.query<{ count: string }>(`select count(*) from ${name}`);
    total += Number(rows[0]?.count ?? 0);
  }
  return total;
}

async function replaceRows(source: pg.Client, target: pg.Client): Promise<number> {
  for (const statement of CLEARING) await target.query(statement);
  let rows = 0;
  for (const table of COPIED_TABLES) rows += await copyTable(source, target, table);
  return rows;
}

async function copyTable(
  source: pg.Client,
  target: pg.Client,
  table: CopiedTable,
): Promise<number> {
  const columns = await writableColumns(source, table.name);
  const names = columns.map((it) => pg.escapeIdentifier(it.name));
  const asText = names.map((name) => `${name}::text`).join(", ");
  const values = columns.map((it, at) => `$${at + 1}::text[]::${it.type}[]`).join(", ");
  const insert = `insert into ${table.name} (${names.join(", ")}) select * from unnest(${values})`;
  await source.query(
    `declare ${CURSOR} no scroll cursor for select ${asText} from (${table.source}) copied`,
  );
  let total = 0;
  for (;;) {
    const { rows } = await source.query<(string | null)[]>({
      text: `fetch ${ROWS_PER_CHUNK} from ${CURSOR}`,
      rowMode: "array",
    });
    if (rows.length === 0) break;
    await makeRoom(target, table, columns, rows);
    await target.query(
      insert,
      columns.map((_, at) => rows.map((row) => row[at])),
    );
    total += rows.length;
  }
  await source.query(`close ${CURSOR}`);
  return total;
}

/** A demo account gives way to a real one with the same address. */
async function makeRoom(
  target: pg.Client,
  table: CopiedTable,
  columns: readonly Column[],
  rows: readonly (readonly (string | null)[])[],
): Promise<void> {
  if (table.name !== "users") return;
  const at = columns.findIndex((it) => it.name === "document");
  await target.query(
    `delete from users where demo
       and email in (select document ->> 'email' from unnest($1::text[]::jsonb[]) document)`,
    [rows.map((row) => row[at])],
  );
}

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Columns that are stored, not generated. */
async function writableColumns(client: pg.Client, table: string): Promise<readonly Column[]> {
  const { rows } = await client.query<Column>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
     order by attnum`,
    [table],
  );
  return rows;
}
