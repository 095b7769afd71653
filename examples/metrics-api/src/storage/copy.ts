/**
 * Copies everything from one database to another, while writes go on for most of the time.
 *
 * Invariants:
 * - the bulk is read in one repeatable-read snapshot with writes going on; then no write is under way and none can
 *   begin, and what changed since is read in a second one: the copy is the state of the second;
 * - the target is written in one transaction: a copy that fails leaves it as it was;
 * - at most two chunks of ROWS_PER_CHUNK rows are in memory, whatever the tables hold;
 * - accounts of the embedded demo stay where they are.
 */
import pg from "pg";
import { catchUp } from "./catch-up.ts";
import { type CopyTarget, copyRows } from "./copy-rows.ts";
import { judgeTarget, markCopy, type System, systemOf, type Target } from "./system.ts";
import { CLEARING, COPIED_TABLES } from "./tables.ts";

export type CopyOutcome =
  | { readonly kind: "copied"; readonly rows: number }
  | { readonly kind: "taken"; readonly because: string }
  | { readonly kind: "busy" };

export interface CopyParts {
  readonly source: pg.Client;
  readonly target: pg.Client;
  /** Resolves true when no write is under way and none can begin. */
  readonly closeGate: () => Promise<boolean>;
}

/** Both clients must be connected and idle. */
export async function copyAll({ source, target, closeGate }: CopyParts): Promise<CopyOutcome> {
  await target.query("begin");
  try {
    const bulk = await inSnapshot(source, async () => {
      const from = await systemOf(source);
      if (from === undefined) throw new Error("the source has no system row");
      const judged = await judge(from, target);
      if (judged.kind === "taken") return judged;
      const since = await snapshotStart(source);
      return { kind: "copied", rows: await replaceRows(source, target), from, since } as const;
    });
    if (bulk.kind === "taken") return await undone(target, bulk);
    if (!(await closeGate())) return await undone(target, { kind: "busy" });
    const rows = await inSnapshot(source, () => finish(source, target, bulk));
    await markCopy(target, bulk.from);
    await target.query("commit");
    return { kind: "copied", rows };
  } catch (error) {
    await target.query("rollback").catch(() => undefined);
    throw error;
  }
}

async function undone<T>(target: pg.Client, outcome: T): Promise<T> {
  await target.query("rollback");
  return outcome;
}

async function inSnapshot<T>(source: pg.Client, work: () => Promise<T>): Promise<T> {
  await source.query("begin isolation level repeatable read, read only");
  try {
    return await work();
  } finally {
    await source.query("rollback").catch(() => undefined);
  }
}

/** Every transaction that the snapshot does not hold has this number or a later one. */
async function snapshotStart(source: pg.Client): Promise<string> {
  const { rows } = await source.query<{ since: string }>(
    "select pg_snapshot_xmin(pg_current_snapshot())::text as since",
  );
  return rows[0]!.since;
}

/** What changed during the bulk; where that cannot be applied row by row, everything once more. */
async function finish(
  source: pg.Client,
  target: pg.Client,
  bulk: { readonly rows: number; readonly since: string },
): Promise<number> {
  await target.query("savepoint bulk");
  try {
    return bulk.rows + (await catchUp(source, target, bulk.since));
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await target.query("rollback to savepoint bulk");
    return replaceRows(source, target);
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
  for (const { name, source: from } of COPIED_TABLES) {
    const into: CopyTarget = { columnsOf: name, table: name };
    if (name === "users") into.beforeChunk = roomForUsers;
    rows += await copyRows({ source, target }, from, into);
  }
  return rows;
}

/** A demo account gives way to a real one with the same address. */
const roomForUsers = (documents: string): string =>
  `delete from users where demo
     and email in (select document ->> 'email' from unnest(${documents}::text[]::jsonb[]) document)`;
