/** Cells of text as PostgreSQL arrays, one for each column. */
import { cannotSend } from "./copy-text.ts";
import { NOT_TEXT, refused } from "./encode-rows.ts";
import type { Head } from "./feed.ts";
import type { Layout } from "./layout.ts";
import { quotedElement } from "./value-text.ts";

/** The rows `from` to `to` of a head. @throws HST_PG_BULK for text that PostgreSQL cannot hold. */
export function cellArrays(layout: Layout, head: Head, from: number, to: number): string[] {
  const { columns } = layout;
  const width = columns.length;
  return columns.map((column, at) => {
    let text = "{";
    for (let row = from; row < to; row++) {
      const cell = head.cells[row * width + at]!;
      if (row > from) text += ",";
      text += cell === null ? "NULL" : quotedElement(cell);
    }
    text += "}";
    if (!cannotSend(text)) return text;
    for (let row = from; row < to; row++) {
      const cell = head.cells[row * width + at];
      if (typeof cell === "string" && cannotSend(cell))
        throw refused(head.from + row, column.name, NOT_TEXT);
    }
    return text;
  });
}
