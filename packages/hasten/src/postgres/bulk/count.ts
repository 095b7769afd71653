/** What statements did, added up. */
import type { PgResult } from "../driver.ts";
import type { Layout } from "./layout.ts";
import { INSERTED } from "./texts.ts";
import type { ReturnedRows, Tally } from "./write-types.ts";

/** Adds what a statement did; gives the rows that were asked back. */
export function count({ kind, returning }: Layout, result: PgResult, tally: Tally): ReturnedRows {
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
