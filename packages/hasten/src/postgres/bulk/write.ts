/**
 * Writes what a feed gives, inside one transaction.
 *
 * Invariants:
 * - memory is bounded: a head, a block, and what the socket holds;
 * - upserts, updates and deletes lock rows in the order of their keys within each statement, and a
 *   write of one transaction is one statement unless "unnest" or `returning` asks for several;
 * - a COPY does not wait for its input: after a second without rows it ends, and another begins.
 */
import type { Clock } from "../../core/clock.ts";
import type { PgResult } from "../driver.ts";
import { cellArrays } from "./cell-arrays.ts";
import { type Block, headBlock } from "./feed.ts";
import { type Layout, quoted } from "./layout.ts";
import type { Line } from "./line.ts";
import { locate, locateInHead, locateInStage } from "./locate.ts";
import {
  copyTextFor,
  INSERTED,
  joinSettings,
  staged,
  stageText,
  unnested,
  writeText,
} from "./texts.ts";
import type { Portion, ReturnedRows, Tally, Write } from "./write-types.ts";

/** Writes a portion. Errors say which row, where it can be found. */
export async function writeSome(write: Write, portion: Portion): Promise<void> {
  const { line, layout } = write;
  const ownMs = line.ownTimeoutMs;
  const settings: Record<string, string> =
    ownMs === undefined ? {} : { statement_timeout: `${Math.ceil(ownMs)}` };
  await line.withSettings(settings, async () => {
    if (portion.method === "unnest") await writeHeads(write, portion);
    else if (layout.kind === "insert") {
      const names = layout.columns.map(({ name }) => quoted(name));
      portion.tally.inserted = await copyAll(
        write,
        (form) => copyTextFor(layout.table.sql, names, form),
        portion,
      );
    } else await writeStaged(write, portion);
  });
}

async function writeHeads(write: Write, portion: Portion): Promise<void> {
  const { line, layout, feed } = write;
  const { tally, rowsMax } = portion;
  const text = writeText(layout, unnested(layout));
  // A plan that was kept refuses to give back a column whose type was changed since.
  const prepared = layout.returning.length === 0;
  let { head } = portion;
  for (;;) {
    const values = cellArrays(layout, head, 0, head.rows);
    const result = await line
      .run({ text, values }, { prepared })
      .catch((error: unknown) => locateInHead(write, head, { text, error }));
    tally.rows += head.rows;
    for (const value of values) tally.bytes += Buffer.byteLength(value);
    await portion.onRows(count(layout, result, tally));
    if (feed.ended || tally.rows >= rowsMax) return;
    head = await line.waiting(feed.head(rowsMax - tally.rows));
    if (head.rows === 0) return;
  }
}

/** Adds what a statement did; gives the rows that were asked back. */
function count({ kind, returning }: Layout, result: PgResult, tally: Tally): ReturnedRows {
  const rows = result.rows as Record<string, unknown>[];
  const changed = result.rowCount ?? 0;
  if (kind === "insert") tally.inserted += changed;
  else if (kind === "update") tally.updated += changed;
  else if (kind === "delete") tally.deleted += changed;
  else if (returning.length > 0)
    for (const row of rows) {
      if (row[INSERTED] === true) tally.inserted++;
      else tally.updated++;
      delete row[INSERTED];
    }
  else {
    const { written, inserted } = rows[0] as { written: number; inserted: number };
    tally.inserted += inserted;
    tally.updated += written - inserted;
  }
  return returning.length > 0 ? rows : [];
}

async function writeStaged(write: Write, portion: Portion): Promise<void> {
  const { line, layout, feed } = write;
  const { tally } = portion;
  const stage = `hasten_bulk_${++stages}`;
  line.retire();
  await line.command(stageText(layout, stage));
  const names = layout.columns.map((_, at) => `c${at}`);
  await copyAll(write, (form) => copyTextFor(`pg_temp.${stage}`, names, form), portion);
  await line.command("savepoint hasten_merge");
  const text = writeText(layout, staged(stage, feed.ascending));
  const joins = layout.kind === "upsert" ? [] : joinSettings(layout, tally.rows);
  const settings = Object.fromEntries(joins.map((name) => [name, "off"]));
  const limitMs = mergeLimitMs(line, tally.rows);
  if (limitMs > line.serverTimeoutMs) settings["statement_timeout"] = `${Math.ceil(limitMs)}`;
  await line.withSettings(settings, async () => {
    const result = await line
      .run({ text }, { timeoutMs: limitMs + 1_000 })
      .catch((error: unknown) =>
        locateInStage(write, { stage, from: portion.head.from, rows: tally.rows }, error),
      );
    count(layout, result, tally);
  });
  if (!line.own) await line.command(`drop table pg_temp.${stage}`);
}

/** Numbers staging tables apart: a transaction may hold several. */
let stages = 0;

/** Rows that a second of the limit is given for. */
const MERGED_PER_SECOND = 20_000;

const mergeLimitMs = (line: Line, rows: number): number =>
  line.ownTimeoutMs ?? line.serverTimeoutMs + (rows / MERGED_PER_SECOND) * 1_000;

/** Longest that a COPY waits for rows. */
const SOURCE_WAIT_MS = 1_000;

/**
 * Copies the portion, as many COPYs as it takes (each of one form); gives the rows that came to be:
 * a trigger may drop some.
 */
async function copyAll(
  write: Write,
  textFor: (form: Block["form"]) => string,
  portion: Portion,
): Promise<number> {
  let made = 0;
  const { line, layout, feed, clock } = write;
  const { head, tally, rowsMax, copyRows } = portion;
  /** The first of the next COPY. */
  let ready: Block | undefined = headBlock(layout, head);
  /** Asked for and not yet there: it is the next one, whichever COPY takes it. */
  let pending: Promise<Block | undefined> | undefined;
  while (ready !== undefined) {
    const from = head.from + tally.rows;
    const { form }: Block = ready;
    let sent = 0;
    const took = (block: Block | undefined): Block | undefined => {
      if (block !== undefined && block.form !== form) {
        ready = block;
        return undefined;
      }
      sent += block?.rows ?? 0;
      return block;
    };
    const next = (): Block | undefined | Promise<Block | undefined> => {
      const first = ready;
      ready = undefined;
      if (first !== undefined) return took(first);
      const room = Math.min(copyRows - sent, rowsMax - tally.rows - sent);
      if (room <= 0 || feed.ended) return undefined;
      const block = feed.block(room);
      if (!(block instanceof Promise)) return took(block);
      pending = block;
      return within(block, clock).then((come) => {
        if (come.kind === "late") return undefined;
        pending = undefined;
        return took(come.block);
      });
    };
    const copied = await line
      .copy(textFor(form), next)
      .catch((error: unknown) => locate(write, error, { from, to: from + sent }));
    tally.rows += sent;
    made += copied.rows;
    tally.bytes += copied.bytes;
    await portion.onRows([]);
    if (ready !== undefined) continue;
    if (pending === undefined && (feed.ended || tally.rows >= rowsMax)) break;
    const block = pending ?? feed.block(Math.min(copyRows, rowsMax - tally.rows));
    pending = undefined;
    ready = block instanceof Promise ? await line.waiting(block) : block;
  }
  return made;
}

type Come =
  | { readonly kind: "block"; readonly block: Block | undefined }
  | { readonly kind: "late" };

function within(block: Promise<Block | undefined>, clock: Clock): Promise<Come> {
  return new Promise((resolve, reject) => {
    const timer = clock.schedule(SOURCE_WAIT_MS, () => resolve({ kind: "late" }));
    block.then(
      (come) => {
        timer.cancel();
        resolve({ kind: "block", block: come });
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
