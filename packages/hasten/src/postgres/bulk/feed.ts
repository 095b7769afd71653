/**
 * The input, encoded as it is asked for.
 *
 * Invariants:
 * - at most one head (5,000 rows or 4 MiB of text) and one block (64 KiB, or one larger row) of it
 *   is held; a row is read only when it is wanted;
 * - every row is sent once, in the order it came;
 * - rows go in the binary form until one of them has none; all after it go as text.
 */

import type { Column } from "./catalog.ts";
import { copyText, NULL_TEXT, unsendable } from "./copy-text.ts";
import { NOT_TEXT, type RowEncoder, refused } from "./encode-rows.ts";
import type { Layout } from "./layout.ts";
import { type Sink, type Sinks, sealed, sinks } from "./sink.ts";
import type { Source } from "./source.ts";
import type { BulkRow } from "./types.ts";

/** Rows and characters that travel as arrays. */
export const HEAD_ROWS = 5_000;
export const HEAD_CHARS: number = 4 * 2 ** 20;
const BLOCK_CHARS = 64 * 1_024;
/** Rows after which the binary form is taken where there is one: fewer are not worth a second COPY. */
const BINARY_FROM_ROWS = 10_000;

/** The first rows of a chunk, as cells. */
export interface Head {
  readonly cells: readonly (string | null)[];
  readonly rows: number;
  readonly from: number;
}

/** Rows as COPY lines, each ended by a newline. */
export interface TextBlock {
  readonly form: "text";
  readonly text: string;
  readonly rows: number;
}

/** Rows in the binary form, as the message that is sent. */
export interface BinaryBlock {
  readonly form: "binary";
  readonly message: Buffer;
  readonly rows: number;
  /** Gives the memory back, once the socket has taken it. */
  release(): void;
}

export type Block = TextBlock | BinaryBlock;

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
  const input = inputOf(source, first);
  const filling: Filling = { input, encoder, columns, sinks: sinks(), isText: false };
  return {
    get read() {
      return input.read;
    },
    get ended() {
      return input.ended;
    },
    get ascending() {
      return encoder.ascending;
    },
    async head(rowsMax) {
      const cells: (string | null)[] = [];
      const from = input.read;
      const most = Math.min(rowsMax, HEAD_ROWS);
      let characters = 0;
      while (input.read - from < most && characters < HEAD_CHARS) {
        const pulled = input.next();
        const row = pulled instanceof Promise ? await pulled : pulled;
        if (row === undefined) {
          input.ended = true;
          break;
        }
        characters += encoder.cells(row, input.read, cells);
        input.read++;
      }
      // What ends exactly at a bound needs nothing after it.
      if (!input.ended && input.pushed === undefined) {
        input.pushed = await source.next();
        input.ended = input.pushed === undefined;
      }
      return { cells, rows: input.read - from, from };
    },
    block: (rowsMax) =>
      filling.isText || encoder.binary === undefined || input.read < BINARY_FROM_ROWS
        ? fillText(filling, rowsMax, { text: "", rows: 0 })
        : fillBinary(filling, rowsMax, { sink: filling.sinks.open(), rows: 0 }),
  };
}

interface Input {
  next(): BulkRow | undefined | Promise<BulkRow | undefined>;
  /** Read before it was wanted. */
  pushed: BulkRow | undefined;
  read: number;
  ended: boolean;
}

const inputOf = (source: Source, first: BulkRow): Input => ({
  pushed: first,
  read: 0,
  ended: false,
  next() {
    const row = this.pushed;
    if (row === undefined) return source.next();
    this.pushed = undefined;
    return row;
  },
});

interface Filling {
  readonly input: Input;
  readonly encoder: RowEncoder;
  readonly columns: readonly Column[];
  readonly sinks: Sinks;
  /** A row had no binary form. */
  isText: boolean;
}

type Filled = Block | undefined | Promise<Block | undefined>;

/** Goes on without waiting as long as rows are ready. */
function fillText(
  filling: Filling,
  rowsMax: number,
  { text: before, rows: had }: { readonly text: string; readonly rows: number },
): Filled {
  const { input, encoder, columns } = filling;
  let text = before;
  let rows = had;
  while (!input.ended && rows < rowsMax && text.length < BLOCK_CHARS) {
    const row = input.next();
    if (row instanceof Promise)
      return row.then((come) => {
        if (come === undefined) input.ended = true;
        input.pushed = come;
        return fillText(filling, rowsMax, { text, rows });
      });
    if (row === undefined) {
      input.ended = true;
      break;
    }
    text += `${encoder.line(row, input.read)}\n`;
    input.read++;
    rows++;
  }
  if (rows === 0) return undefined;
  refuseUnsendable(text, input.read - rows, columns);
  return { form: "text", text, rows };
}

function fillBinary(
  filling: Filling,
  rowsMax: number,
  { sink, rows: had }: { readonly sink: Sink; readonly rows: number },
): Filled {
  const { input, encoder, sinks } = filling;
  let rows = had;
  while (!input.ended && rows < rowsMax && sink.at < BLOCK_CHARS) {
    const row = input.next();
    if (row instanceof Promise)
      return row.then((come) => {
        if (come === undefined) input.ended = true;
        input.pushed = come;
        return fillBinary(filling, rowsMax, { sink, rows });
      });
    if (row === undefined) {
      input.ended = true;
      break;
    }
    if (!encoder.binary!(row, input.read, sink)) {
      filling.isText = true;
      input.pushed = row;
      break;
    }
    input.read++;
    rows++;
  }
  if (rows > 0) {
    const message = sealed(sink);
    return { form: "binary", message, rows, release: () => sinks.release(sink.bytes) };
  }
  sinks.release(sink.bytes);
  return input.ended ? undefined : fillText(filling, rowsMax, { text: "", rows: 0 });
}

/** The cells of a head as one block of COPY lines. */
export function headBlock({ columns }: Layout, { cells, rows, from }: Head): TextBlock {
  const width = columns.length;
  let text = "";
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at]!;
    text += cell === null ? NULL_TEXT : copyText(cell);
    text += (at + 1) % width === 0 ? "\n" : "\t";
  }
  refuseUnsendable(text, from, columns);
  return { form: "text", text, rows };
}

/** `first` is the position of the block's first row in the input. */
function refuseUnsendable(text: string, first: number, columns: readonly Column[]): void {
  const bad = unsendable(text);
  if (bad === undefined) return;
  throw refused(first + bad.row, columns[bad.column]?.name, NOT_TEXT);
}
