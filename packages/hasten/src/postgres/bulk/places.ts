/** `bulk` on a transaction: its statements take the transaction's turn, inside a savepoint. */
import type { TxPlace } from "../tx.ts";
import { catalogOf } from "./catalog.ts";
import { lineOn, SAVEPOINT } from "./line.ts";
import { type Place, runBulk } from "./run.ts";
import type { BulkTable, BulkTables } from "./types.ts";

/** The four writes of a table at a place. */
export function bulkTable(place: Place, table: string | readonly string[]): BulkTable {
  return {
    insert: (rows, options = {}) => runBulk(place, { kind: "insert", table, rows, options }),
    upsert: (rows, options = {}) => runBulk(place, { kind: "upsert", table, rows, options }),
    update: (rows, options = {}) => runBulk(place, { kind: "update", table, rows, options }),
    delete: (rows, options = {}) => runBulk(place, { kind: "delete", table, rows, options }),
  };
}

export function bulkInTransaction({ parts, inTurn }: TxPlace): BulkTables {
  const none = { own: false, timeoutMs: undefined, signal: undefined };
  const place: Place = {
    clock: parts.around.clock,
    commits: false,
    catalog: (table) =>
      inTurn(async () => {
        const { rows } = await lineOn(parts, none).run(catalogOf(table), { prepared: true });
        return rows[0];
      }),
    transact: ({ timeoutMs, signal }, work) =>
      inTurn(async () => {
        const line = lineOn(parts, { own: false, timeoutMs, signal });
        await line.command(`savepoint ${SAVEPOINT}`);
        try {
          await work(line);
          await line.command(`release savepoint ${SAVEPOINT}`);
        } catch (error) {
          // Where this fails too, the whole transaction is lost and its own end says so.
          await line.command(`rollback to savepoint ${SAVEPOINT}`).then(
            () => line.command(`release savepoint ${SAVEPOINT}`),
            () => undefined,
          );
          throw error;
        }
      }, "A bulk write"),
  };
  return { bulk: (table) => bulkTable(place, table) };
}
