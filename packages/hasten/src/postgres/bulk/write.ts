/**
 * Writes what a feed gives, inside one transaction.
 *
 * Invariants:
 * - memory is bounded: a head, a block, and what the socket holds;
 * - upserts, updates and deletes lock rows in the order of their keys within each statement, and a
 *   write of one transaction is one statement unless "unnest" or `returning` asks for several;
 * - a COPY does not wait for its input: after a second without rows it ends, and another begins.
 */
import { cellArrays } from "./cell-arrays.ts";
import { copyAll } from "./copy-all.ts";
import { count } from "./count.ts";
import { quoted } from "./layout.ts";
import { locateInHead } from "./locate.ts";
import { mergeStaged } from "./merge-staged.ts";
import { copyTextFor, stageText, unnested, writeText } from "./texts.ts";
import type { Portion, Write } from "./write-types.ts";

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

async function writeStaged(write: Write, portion: Portion): Promise<void> {
  const { line, layout } = write;
  const stage = `hasten_bulk_${++stages}`;
  line.retire();
  await line.command(stageText(layout, stage));
  const names = layout.columns.map((_, at) => `c${at}`);
  await copyAll(write, (form) => copyTextFor(`pg_temp.${stage}`, names, form), portion);
  await mergeStaged(write, portion, stage);
  if (!line.own) await line.command(`drop table pg_temp.${stage}`);
}

/** Numbers staging tables apart: a transaction may hold several. */
let stages = 0;
