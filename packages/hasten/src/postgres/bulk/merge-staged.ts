/**
 * Staged rows into their table: one statement, in the order of the keys.
 *
 * Invariants:
 * - an upsert is a MERGE (one join, instead of a look into the index and a lock for each row) only
 *   where it can mean nothing else than INSERT … ON CONFLICT: no triggers, no checks of columns that
 *   are not given, a key that is never NULL. Where another transaction inserts a key meanwhile,
 *   MERGE fails, is undone, and ON CONFLICT does it;
 * - inserted and updated rows are told apart by the transaction's own statistics, as a difference.
 */
import { PostgresError } from "../errors.ts";
import { count } from "./count.ts";
import type { Layout } from "./layout.ts";
import type { Line } from "./line.ts";
import { locateInStage } from "./locate.ts";
import { joinSettings, mergeText, type RowsFrom, staged, writeText } from "./texts.ts";
import type { Portion, Tally, Write } from "./write-types.ts";

const FACTS = `select c.oid::text as oid,
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem'))::float8 as "workMem",
  pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)::float8 as updated,
  pg_catalog.current_setting('server_version_num')::int >= 150000
  and pg_catalog.current_setting('track_counts') = 'on'
  and c.relkind = 'r' and not c.relrowsecurity and not c.relhasrules and not c.relhassubclass
  and not exists (select from pg_catalog.pg_trigger where tgrelid = c.oid and not tgisinternal)
  and not exists (select from pg_catalog.pg_constraint
    where confrelid = c.oid and contype = 'f' and confupdtype not in ('a', 'r'))
  and not exists (select from pg_catalog.pg_constraint n, pg_catalog.unnest(n.conkey) k(attnum)
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where n.conrelid = c.oid and n.contype = 'c'
      and not coalesce(a.attname = any ($2::text[]), false))
  and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and not a.attname = any ($2::text[])
      and (t.typtype = 'd' or a.attnotnull and not a.atthasdef and a.attidentity = '')) as plain
from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)`;

interface Facts {
  readonly oid: string;
  readonly workMem: number;
  readonly updated: number;
  readonly plain: boolean;
}

/** Writes what `stage` holds. */
export async function mergeStaged(write: Write, portion: Portion, stage: string): Promise<void> {
  const { line, layout, feed } = write;
  const { tally } = portion;
  await line.command("savepoint hasten_merge");
  const values = [layout.table.sql, layout.columns.map(({ name }) => name)];
  const facts = (await line.run({ text: FACTS, values }, { prepared: true })).rows[0] as Facts;
  const from = staged(stage, feed.ascending);
  const merging: Merging = { line, layout, tally, facts, from };
  if (layout.kind === "upsert" && facts.plain && isMergeable(layout) && (await merged(merging)))
    return;
  const joins = layout.kind === "upsert" ? [] : joinSettings(layout, tally.rows);
  await within(merging, joins, async (timeoutMs) => {
    const result = await line
      .run({ text: writeText(layout, from) }, { timeoutMs })
      .catch((error: unknown) =>
        locateInStage(write, { stage, from: portion.head.from, rows: tally.rows }, error),
      );
    count(layout, result, tally);
  });
}

interface Merging {
  readonly line: Line;
  readonly layout: Layout;
  readonly tally: Tally;
  readonly facts: Facts;
  readonly from: RowsFrom;
}

/** A whole index on columns that are never NULL, and every other column is set. */
function isMergeable({ index, keys, sets, columns }: Layout): boolean {
  return (
    index !== undefined &&
    index.predicate === undefined &&
    keys.every((at) => columns[at]!.notNull && !sets.includes(at)) &&
    sets.length > 0 &&
    keys.length + sets.length === columns.length
  );
}

/** False where it was undone, because rows with these keys were inserted meanwhile. */
async function merged({ line, layout, tally, facts, from }: Merging): Promise<boolean> {
  try {
    const merging = { line, layout, tally, facts, from };
    await within(merging, joinSettings(layout, tally.rows), async (timeoutMs) => {
      const { rowCount } = await line.run({ text: mergeText(layout, from) }, { timeoutMs });
      const text = "select pg_catalog.pg_stat_get_xact_tuples_updated($1::oid)::float8 as updated";
      const { rows } = await line.run({ text, values: [facts.oid] }, { prepared: true });
      const updated = (rows[0] as { updated: number }).updated - facts.updated;
      tally.updated += updated;
      tally.inserted += (rowCount ?? 0) - updated;
    });
    return true;
  } catch (error) {
    if (!(error instanceof PostgresError) || !isWorthAnotherWay(error)) throw error;
    await line.command("rollback to savepoint hasten_merge");
    return false;
  }
}

/** What the rows are refused for is found, and told, by the other way. */
const isWorthAnotherWay = ({ code, sqlstate = "" }: PostgresError): boolean =>
  code === "HST_PG_STATEMENT" && /^(2[1-3]|42|0A)/.test(sqlstate);

/** Memory that sorting the rows may take on the server. */
const SORT_BYTES_MAX = 64 * 2 ** 20;
const SORT_ROW_BYTES = 64;

/** With joins that keep the order, memory for the sort, and a limit by the number of rows. */
async function within(
  { line, tally, facts }: Merging,
  without: readonly string[],
  work: (timeoutMs: number) => Promise<void>,
): Promise<void> {
  const settings: Record<string, string> = Object.fromEntries(without.map((name) => [name, "off"]));
  const limitMs = mergeLimitMs(line, tally.rows);
  if (limitMs > line.serverTimeoutMs) settings["statement_timeout"] = `${Math.ceil(limitMs)}`;
  const wanted = Math.min(SORT_BYTES_MAX, tally.bytes * 2 + tally.rows * SORT_ROW_BYTES);
  if (wanted > facts.workMem) settings["work_mem"] = `${Math.ceil(wanted / 1_024)}kB`;
  await line.withSettings(settings, () => work(limitMs + 1_000));
}

/** Rows that a second of the limit is given for. */
const MERGED_PER_SECOND = 20_000;

const mergeLimitMs = (line: Line, rows: number): number =>
  line.ownTimeoutMs ?? line.serverTimeoutMs + (rows / MERGED_PER_SECOND) * 1_000;
