/** `bulk` on a database: a transaction of its own, or one for each chunk. */
import type { Core } from "../core.ts";
import { executeOn } from "../execute.ts";
import { onTransaction } from "../transact.ts";
import { catalogOf } from "./catalog.ts";
import { lineOn } from "./line.ts";
import { bulkTable } from "./places.ts";
import type { Place } from "./run.ts";
import type { BulkTables } from "./types.ts";

const CATALOG_NAME = "hasten_bulk_catalog_2";

export function bulkOnDatabase(core: Core): BulkTables {
  const place: Place = {
    clock: core.around.clock,
    commits: true,
    async catalog(table) {
      const options = { idempotent: true, name: CATALOG_NAME };
      return (await executeOn(core, catalogOf(table), options)).rows[0];
    },
    transact: ({ timeoutMs, signal }, work) =>
      onTransaction(core, signal, (parts) => work(lineOn(parts, { own: true, timeoutMs, signal }))),
  };
  return { bulk: (table) => bulkTable(place, table) };
}
