/**
 * The input, encoded as it is asked for.
 *
 * Invariants:
 * - at most one head (5,000 rows or 4 MiB of text) and one block (64 KiB, or one larger row) of it
 *   is held; a row is read only when it is wanted;
 * - every row is encoded once and sent once, in the order it came.
 */

import type { Column } from "./catalog.ts";
import { copyText, NULL_TEXT, unsendable } from "./copy-text.ts";
import { NOT_TEXT, type RowEncoder, refused } from "./encode-rows.ts";
import type { Layout } from "./layout.ts";
import type { Source } from "./source.ts";
import type { BulkRow } from "./types.ts";

/** Rows and characters that travel as arrays. */
export const HEAD_ROWS = 5_000;
export const HEAD_CHARS: number = 4 * 2 ** 20;
const BLOCK_CHARS = 64 * 1_024;

/** The first rows of a chunk, as cells. */
export interface Head {
  readonly cells: readonly (string | null)[];
  readonly rows: number;
  readonly from: number;
}

/** Rows as COPY lines, each ended by a newline. */
export interface Block {
  readonly text: string;
  readonly rows: number;
}

export interface Feed {
  /** Rows taken from the input. */
  readonly read: number;
  readonly ended: boolean;
  readonly ascending: boolean;
  /** The next rows, as many as travel as arrays. */
  head(rowsMax: number): Promise<Head>;
  /** The next block; a promise only where the input has no rows ready; undefined at the end. */
  block(rowsMax: number): Block | undefined | Promise<Block | undefined>;
}

export function feedOf(
  source: Source,
  first: BulkRow,
  { encoder, columns }: { readonly encoder: RowEncoder; readonly columns: readonly Column[] },
): Feed {
  let pushed: BulkRow | undefined = first;
  let read = 0;
  let ended = false;

  const next = (): BulkRow | undefined | Promise<BulkRow | undefined> => {
    const row = pushed;
    if (row === undefined) return source.next();
    pushed = undefined;
    return row;
  };

  const checkedBlock = (text: string, rows: number): Block | undefined => {
    if (rows === 0) return undefined;
    refuseUnsendable(text, read - rows, columns);
    return { text, rows };
  };

  /** Goes on without waiting as long as rows are ready. */
  const fill = (
    rowsMax: number,
    text: string,
    rows: number,
  ): Block | undefined | Promise<Block | undefined> => {
    while (rows < rowsMax && text.length < BLOCK_CHARS) {
      const row = next();
      if (row instanceof Promise)
        return row.then((come) => {
          if (come === undefined) {
            ended = true;
            return checkedBlock(text, rows);
          }
          pushed = come;
          return fill(rowsMax, text, rows);
        });
      if (row === undefined) {
        ended = true;
        break;
      }
      text += `${encoder.line(row, read)}\n`;
      read++;
      rows++;
    }
    return checkedBlock(text, rows);
  };

  return {
    get read() {
      return read;
    },
    get ended() {
      return ended;
    },
    get ascending() {
      return encoder.ascending;
    },
    async head(rowsMax) {
      const cells: (string | null)[] = [];
      const from = read;
      const most = Math.min(rowsMax, HEAD_ROWS);
      let characters = 0;
      while (read - from < most && characters < HEAD_CHARS) {
        const pulled = next();
        const row = pulled instanceof Promise ? await pulled : pulled;
        if (row === undefined) {
          ended = true;
          break;
        }
        characters += encoder.cells(row, read, cells);
        read++;
      }
      if (!ended && pushed === undefined) await peek();
      return { cells, rows: read - from, from };
    },
    block: (rowsMax) => fill(rowsMax, "", 0),
  };

  /** Looks whether there is more: what ends exactly at a bound needs nothing after it. */
  async function peek(): Promise<void> {
    pushed = await source.next();
    if (pushed === undefined) ended = true;
  }
}

/** The cells of a head as one block of COPY lines. */
export function headBlock({ columns }: Layout, { cells, rows, from }: Head): Block {
  const width = columns.length;
  let text = "";
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at]!;
    text += cell === null ? NULL_TEXT : copyText(cell);
    text += (at + 1) % width === 0 ? "\n" : "\t";
  }
  refuseUnsendable(text, from, columns);
  return { text, rows };
}

/** `first` is the position of the block's first row in the input. */
function refuseUnsendable(text: string, first: number, columns: readonly Column[]): void {
  const bad = unsendable(text);
  if (bad === undefined) return;
  throw refused(first + bad.row, columns[bad.column]?.name, NOT_TEXT);
}
