/**
 * Brings a copy up to date with what was written since its snapshot.
 *
 * Invariants:
 * - a row whose last writer is not older than the snapshot's oldest running transaction is copied again: more than
 *   what changed, never less;
 * - rows that are gone at the source are found by counting, and looked for one by one only where the count differs;
 * - deletions go children first, then new states parents first.
 */
import pg from "pg";
import { copyRows, storedColumns } from "./copy-rows.ts";
import { COPIED_TABLES, type CopiedTable } from "./tables.ts";

interface Change {
  readonly table: CopiedTable;
  /** Temporary table of the rows written since. */
  readonly staged: string;
  readonly rows: number;
}

/** Resolves with the number of rows copied again. */
export async function catchUp(
  source: pg.Client,
  target: pg.Client,
  since: string,
): Promise<number> {
  const changes: Change[] = [];
  for (const table of COPIED_TABLES) changes.push(await stage({ source, target }, table, since));
  for (const change of [...changes].reverse()) await removeGone({ source, target }, change);
  for (const change of changes) await apply(target, change);
  return changes.reduce((sum, it) => sum + it.rows, 0);
}

interface Ends {
  readonly source: pg.Client;
  readonly target: pg.Client;
}

async function stage(ends: Ends, table: CopiedTable, since: string): Promise<Change> {
  const staged = `changed_${table.name}`;
  const columns = (await namesOf(ends.target, table)).join(", ");
  await ends.target.query(
    `create temporary table ${staged} on commit drop as select ${columns} from ${table.name} with no data`,
  );
  const changed = `select rows.* from (${table.source}) rows join ${table.name} stored using (${table.key})
    where age(stored.xmin) <= age(${pg.escapeLiteral(since)}::xid8::xid)`;
  const rows = await copyRows(ends, changed, { columnsOf: table.name, table: staged });
  return { table, staged, rows };
}

async function removeGone({ source, target }: Ends, { table, staged }: Change): Promise<void> {
  const added = await count(
    target,
    `select 1 from ${staged} s where not exists (select 1 from ${table.name} t where t.${table.key} = s.${table.key})`,
  );
  const here = await count(target, table.source);
  const there = await count(source, table.source);
  if (here + added === there) return;
  const present = `present_${table.name}`;
  await target.query(
    `create temporary table ${present} (${table.key} uuid primary key) on commit drop`,
  );
  await copyRows({ source, target }, table.source, {
    columnsOf: table.name,
    table: present,
    only: table.key,
  });
  await target.query(
    `delete from ${table.name} t
     where t.${table.key} in (select ${table.key} from (${table.source}) known)
       and not exists (select 1 from ${present} p where p.${table.key} = t.${table.key})`,
  );
}

async function apply(target: pg.Client, { table, staged, rows }: Change): Promise<void> {
  if (rows === 0) return;
  if (table.name === "users") {
    await target.query(
      `delete from users where demo and email in (select document ->> 'email' from ${staged})`,
    );
  }
  const columns = await namesOf(target, table);
  const updates = columns.map((name) => `${name} = excluded.${name}`).join(", ");
  await target.query(
    `insert into ${table.name} (${columns.join(", ")}) select ${columns.join(", ")} from ${staged}
     on conflict (${table.key}) do update set ${updates}`,
  );
}

async function namesOf(client: pg.Client, table: CopiedTable): Promise<readonly string[]> {
  const columns = await storedColumns(client, table.name);
  return columns.map((it) => pg.escapeIdentifier(it.name));
}

async function count(client: pg.Client, query: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`select count(*) from (${query}) counted`);
  return Number(rows[0]?.count ?? 0);
}
