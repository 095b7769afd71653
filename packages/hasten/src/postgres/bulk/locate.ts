/**
 * Which row of the input the server refused.
 *
 * Invariants:
 * - COPY's own line number where it gives one; else the rows are tried again in halves, each try
 *   undone, and only a row that fails alone with the same SQLSTATE and constraint is named;
 * - a search changes nothing: the write has failed before it, and is rolled back after it.
 */
import { PostgresError } from "../errors.ts";
import { cellArrays } from "./cell-arrays.ts";
import { type Block, type Head, headBlock } from "./feed.ts";
import type { Layout } from "./layout.ts";
import { copyPlaceOf } from "./line.ts";
import { SEARCH_MS_MAX, searchRow } from "./search-row.ts";
import { copyTextFor, staged, stageText, writeText } from "./texts.ts";
import { bulkOutcome, withOutcome } from "./types.ts";
import type { Write } from "./write-types.ts";

interface Rows {
  readonly from: number;
  readonly to: number;
}

/** Throws the error of a COPY with what its line says. */
export function locate({ layout }: Write, error: unknown, rows: Rows): never {
  throw located(error, placed(layout, error, rows.from, layout.kind !== "insert"), rows);
}

interface Found {
  readonly row: number;
  readonly column: string | undefined;
}

/** Staging tables call the columns c0, c1, …; a table may call another of its columns so. */
function placed(
  { columns }: Layout,
  error: unknown,
  from: number,
  isStaged: boolean,
): Found | undefined {
  const place = copyPlaceOf(error);
  if (place === undefined) return undefined;
  const column = isStaged ? columns[Number(place.column?.slice(1) ?? -1)]?.name : place.column;
  return { row: from + place.line - 1, column };
}

function located(error: unknown, found: Found | undefined, { from, to }: Rows): unknown {
  if (!(error instanceof PostgresError) || bulkOutcome(error)?.row !== undefined) return error;
  const row = found?.row;
  const rows = row === undefined ? { from, to } : { from: row, to: row + 1 };
  const column = error.column ?? found?.column;
  return withOutcome(error, { row, column, rows, committedRows: 0, unknownRows: 0 });
}

/** After a head was refused as arrays: tries its rows again, throws the error with what was found. */
export async function locateInHead(
  write: Write,
  head: Head,
  { text, error }: { readonly text: string; readonly error: unknown },
): Promise<never> {
  const { line, layout } = write;
  const all = { from: head.from, to: head.from + head.rows };
  const attempt = async (from: number, to: number): Promise<void> => {
    const values = cellArrays(layout, head, from, to);
    await line.run({ text, values }, { prepared: layout.returning.length === 0 });
  };
  const row = await searched(write, error, { from: 0, to: head.rows }, attempt);
  if (row === undefined) throw located(error, undefined, all);
  const column = await columnOf(write, head, row).catch(() => undefined);
  throw located(error, { row: head.from + row, column }, all);
}

/** Which column: COPY says it of a row that has the columns' own types and nothing else. */
async function columnOf(write: Write, head: Head, row: number): Promise<string | undefined> {
  const { line, layout } = write;
  const width = layout.columns.length;
  const cells = head.cells.slice(row * width, (row + 1) * width);
  const names = layout.columns.map((_, at) => `c${at}`);
  const stage = "hasten_bulk_row";
  await line.command("savepoint hasten_search");
  line.retire();
  await line.command(stageText(layout, stage));
  let block: Block | undefined = headBlock(layout, { cells, rows: 1, from: head.from + row });
  const next = (): Block | undefined => {
    const given = block;
    block = undefined;
    return given;
  };
  const failed = await line.copy(copyTextFor(`pg_temp.${stage}`, names), next).then(
    () => undefined,
    (error: unknown) => error,
  );
  await line.command("rollback to savepoint hasten_search");
  return placed(layout, failed, 0, true)?.column;
}

export interface Staged {
  readonly stage: string;
  readonly from: number;
  readonly rows: number;
}

/** Rows of one page of the staging table, more than there can be: positions are page * this + item. */
const ITEMS = 512;

/** After staged rows were refused. */
export async function locateInStage(
  write: Write,
  { stage, from, rows }: Staged,
  error: unknown,
): Promise<never> {
  const { line, layout } = write;
  const tid = (at: number): string => `'(${Math.floor(at / ITEMS)},${at % ITEMS})'::tid`;
  const attempt = async (low: number, high: number): Promise<void> => {
    const window = ` where v.ctid >= ${tid(low)} and v.ctid < ${tid(high)}`;
    await line.command(writeText(layout, staged(stage, false, window)));
  };
  const ask = async (text: string): Promise<number> =>
    Number(((await line.command(text)).rows[0] as { n: string | number }).n);
  const all = { from, to: from + rows };
  let found: number | undefined;
  try {
    if (isOfData(error)) {
      await line.command("rollback to savepoint hasten_merge");
      const pages = await ask(
        `select pg_relation_size('pg_temp.${stage}') / current_setting('block_size')::int as n`,
      );
      const at = await searchedInside(write, error, { from: 0, to: pages * ITEMS }, attempt);
      if (at !== undefined)
        found = await ask(`select count(*) as n from pg_temp.${stage} where ctid < ${tid(at)}`);
    }
  } catch {
    // The search is a courtesy: what failed is told in any case.
  }
  throw located(
    error,
    found === undefined ? undefined : { row: from + found, column: undefined },
    all,
  );
}

type Attempt = (from: number, to: number) => Promise<void>;

async function searched(
  write: Write,
  error: unknown,
  rows: Rows,
  attempt: Attempt,
): Promise<number | undefined> {
  if (!isOfData(error)) return undefined;
  try {
    await write.line.restart();
    return await searchedInside(write, error, rows, attempt);
  } catch {
    return undefined;
  }
}

/** Inside a transaction that works. */
async function searchedInside(
  { line, clock }: Write,
  error: unknown,
  { from, to }: Rows,
  attempt: Attempt,
): Promise<number | undefined> {
  const untilMs = clock.nowMs() + SEARCH_MS_MAX;
  const fails = async (low: number, high: number): Promise<boolean> => {
    await line.command("savepoint hasten_search");
    const failed = await attempt(low, high).then(
      () => undefined,
      (again: unknown) => again,
    );
    await line.command("rollback to savepoint hasten_search");
    return failed !== undefined && isSame(failed, error);
  };
  const found = await searchRow(from, to, fails, () => clock.nowMs() >= untilMs);
  return found !== undefined && (await fails(found, found + 1)) ? found : undefined;
}

/** Said of rows, not of the statement, the connection or the moment. */
const isOfData = (error: unknown): boolean =>
  error instanceof PostgresError &&
  error.code === "HST_PG_STATEMENT" &&
  /^(22|23|P0|44)/.test(error.sqlstate ?? "");

const isSame = (one: unknown, other: unknown): boolean =>
  one instanceof PostgresError &&
  other instanceof PostgresError &&
  one.sqlstate === other.sqlstate &&
  one.constraint === other.constraint;
