/**
 * COPY's text format.
 *
 * Invariants (source: PostgreSQL documentation, COPY, "Text Format"):
 * - a raw newline ends a row and nothing else, a raw tab separates columns and nothing else;
 * - backslash, newline, carriage return and tab in data are escaped, so `\N` and `\.` in data are
 *   never taken for NULL or the end;
 * - a NUL character and a lone surrogate have no UTF-8 text in PostgreSQL: refused.
 */
export const NULL_TEXT = "\\N";

const SPECIAL = /[\\\n\r\t]/;
const EVERY_SPECIAL = /[\\\n\r\t]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** One column's text, escaped. */
export const copyText = (text: string): string =>
  SPECIAL.test(text) ? text.replace(EVERY_SPECIAL, (special) => ESCAPES[special]!) : text;

/** Where the first text is that PostgreSQL cannot hold, in a block of rows. */
export function unsendable(block: string): { row: number; column: number } | undefined {
  if (!block.includes("\0") && block.isWellFormed()) return undefined;
  const rows = block.split("\n");
  const row = rows.findIndex(cannotSend);
  return { row, column: rows[row]!.split("\t").findIndex(cannotSend) };
}

/** True for text with a NUL character or a lone surrogate. */
export const cannotSend = (text: string): boolean => text.includes("\0") || !text.isWellFormed();

/** A buffer that most blocks fit into. */
export const BUFFER_BYTES: number = 96 * 1_024;

/** `CopyData` (Byte1 'd', Int32 length with itself) around a block of rows, in `spare` where it fits. */
export function copyData(block: string, spare?: Buffer): Buffer {
  const bytes = Buffer.byteLength(block);
  const size = bytes + 5;
  const fits = size <= BUFFER_BYTES;
  const whole = fits
    ? (spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES))
    : Buffer.allocUnsafeSlow(size);
  const message = whole.subarray(0, size);
  message[0] = 0x64;
  message.writeUInt32BE(bytes + 4, 1);
  message.write(block, 5, "utf8");
  return message;
}

/** `CopyDone`. */
export const COPY_DONE: Buffer = Buffer.from([0x63, 0, 0, 0, 4]);

/** A message of CopyData. */
function message(...bytes: readonly number[]): Buffer {
  const whole = Buffer.from([0x64, 0, 0, 0, 0, ...bytes]);
  whole.writeUInt32BE(bytes.length + 4, 1);
  return whole;
}

/** Before the first row of the binary form: signature, flags, length of the extension. */
export const BINARY_HEAD: Buffer = message(
  ...Buffer.from("PGCOPY\n\u00ff\r\n\0", "latin1"),
  ...Buffer.alloc(8),
);

/** After the last. */
export const BINARY_END: Buffer = message(0xff, 0xff);
