/**
 * The physical limit of an insert: pg-copy-streams, fed by an encoder written by hand for exactly
 * these columns, in pieces of 64 KiB.
 */
import type { Client } from "pg";
import { from } from "pg-copy-streams";
import { type Item, names } from "./shape.ts";

const SPECIAL = /[\\\n\r\t]/;
const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const text = (value: string): string =>
  SPECIAL.test(value) ? value.replace(/[\\\n\r\t]/g, (one) => ESCAPES[one]!) : value;

const three = (row: Item): string => `${row.id}\t${text(row.sku)}\t${row.qty}`;

const eight = (row: Item): string =>
  `${three(row)}\t${row.price}\t${row.created.toISOString()}\t${row.active ? "t" : "f"}\t${text(row.note)}\t${row.ratio}`;

const sixteen = (row: Item): string =>
  `${eight(row)}\t${row.ref}\t${row.total}\t{${row.tags.map((tag) => text(`"${tag.replace(/["\\]/g, "\\$&")}"`)).join(",")}}\t${text(JSON.stringify(row.data))}\t${row.day}\t${row.rank}\t${row.remark === null ? "\\N" : text(row.remark)}\t${text(row.city)}`;

const lineOf: Readonly<Record<number, (row: Item) => string>> = { 3: three, 8: eight, 16: sixteen };

export async function copyByHand(
  client: Client,
  table: string,
  rows: Iterable<Partial<Item>>,
  width: number,
): Promise<void> {
  const encode = lineOf[width]!;
  const stream = client.query(from(`copy ${table} (${names(width).join(", ")}) from stdin`));
  const ended = new Promise<void>((resolve, reject) => {
    stream.once("finish", resolve).once("error", reject);
  });
  let block = "";
  for (const row of rows) {
    block += `${encode(row as Item)}\n`;
    if (block.length < 65_536) continue;
    const room = stream.write(Buffer.from(block));
    block = "";
    if (!room) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end(Buffer.from(block));
  await ended;
}
