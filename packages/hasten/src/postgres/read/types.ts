import type { Statement } from "../sql.ts";
import type { StreamOptions } from "./options.ts";
import type { Rows } from "./row-stream.ts";

/** Reading many rows: what a database offers for it. */
export interface Reads {
  /**
   * The rows of one statement through a server-side cursor, in constant memory: for await, `break`
   * and `return()` give the connection back. All rows are of one snapshot, which is held until the
   * last one came: see the limits in the options. Nothing is sent before the first row is asked for.
   * @throws HST_PG_SQL, HST_PG_VALUE, HST_PG_OPTION at once; from the iteration HST_PG_SNAPSHOT,
   * HST_PG_TIMEOUT, HST_PG_ABORTED and what `query` throws
   */
  stream<R = Record<string, unknown>>(statement: Statement, options?: StreamOptions): Rows<R>;
}
