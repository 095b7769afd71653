/**
 * A stream inside a transaction: DECLARE, FETCH and CLOSE, each a statement of the transaction in its
 * turn. So other statements can run between two portions, and the rows are those of the moment when
 * the first was asked for, whatever the transaction changes meanwhile.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { aborted } from "../failures.ts";
import { recordEnded, recordIn, recordSent } from "../recording/record.ts";
import { runOn } from "../session.ts";
import type { Statement } from "../sql.ts";
import { toPgStatement } from "../statement.ts";
import type { TransactionParts, TxPlace } from "../tx.ts";
import { bounded, ROWS_PER_READ, ROWS_PER_READ_MAX } from "./options.ts";
import type { Portions } from "./portions.ts";
import { RowStream, type Rows } from "./row-stream.ts";
import type { TxReads, TxStreamOptions } from "./types.ts";

/** The cursors that are open in a transaction: few names, so few texts of statements. */
const cursors: WeakMap<TransactionParts, Set<string>> = new WeakMap();

class FetchPortions<R> implements Portions<R> {
  readonly #place: TxPlace;
  readonly #statement: Statement;
  readonly #options: TxStreamOptions;
  readonly #size: number;
  #name: string | undefined;
  #isOver = false;
  #record: QueryRecord | undefined;
  #rows = 0;

  constructor(place: TxPlace, statement: Statement, options: TxStreamOptions) {
    const { rowsPerRead = ROWS_PER_READ } = options;
    this.#place = place;
    this.#statement = toPgStatement(statement);
    this.#options = options;
    this.#size = bounded("rowsPerRead", rowsPerRead, [1, ROWS_PER_READ_MAX]);
  }

  async next(): Promise<readonly R[] | undefined> {
    if (this.#isOver) return undefined;
    const { signal } = this.#options;
    try {
      if (this.#name === undefined) await this.#declare();
      if (signal?.aborted) throw aborted(signal);
      const rows = await this.#run({ text: `fetch ${this.#size} from ${this.#name}` });
      this.#rows += rows.length;
      if (rows.length === this.#size) return rows as readonly R[];
      await this.close();
      return rows.length === 0 ? undefined : (rows as readonly R[]);
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end(undefined);
    const name = this.#name;
    if (name === undefined) return;
    // Where the transaction has failed or ended, its cursors are gone with it.
    await this.#run({ text: `close ${name}` }).catch(() => undefined);
    cursors.get(this.#place.parts)?.delete(name);
  }

  async #declare(): Promise<void> {
    const { parts } = this.#place;
    const { text, values } = this.#statement;
    this.#record = recordIn(parts, this.#statement);
    if (this.#record !== undefined) this.#record.streamed = true;
    const open = cursors.get(parts) ?? new Set<string>();
    cursors.set(parts, open);
    let name = "hasten_stream_1";
    for (let number = 2; open.has(name); number++) name = `hasten_stream_${number}`;
    open.add(name);
    recordSent(this.#record, parts.around.clock.nowMs(), parts.lease.bytesRead());
    const declare = `declare ${name} no scroll cursor for ${text}`;
    await this.#run(values === undefined ? { text: declare } : { text: declare, values });
    this.#name = name;
  }

  #run(statement: Statement): Promise<readonly unknown[]> {
    const { parts, inTurn } = this.#place;
    const { timeoutMs, signal } = this.#options;
    return inTurn(async () => {
      const leftMs = parts.deadlineMs - parts.around.clock.nowMs();
      const limitMs = Math.max(1, Math.min(timeoutMs ?? parts.defaultTimeoutMs, leftMs));
      const outcome = await runOn(
        parts.lease,
        statement,
        { timeoutMs: limitMs, signal, onLost: "rolled-back" },
        parts.around,
      );
      if (outcome.kind === "failed") throw outcome.error;
      return outcome.result.rows;
    });
  }

  #end(error: unknown): void {
    const record = this.#record;
    this.#record = undefined;
    const { around, lease } = this.#place.parts;
    recordEnded(record, {
      nowMs: around.clock.nowMs(),
      bytesRead: lease.bytesRead(),
      rows: this.#rows,
      error,
      database: around.database,
    });
  }
}

/** What the work of a transaction reads many rows with. */
export function readsInTransaction(place: TxPlace): TxReads {
  return {
    stream: <R>(statement: Statement, options: TxStreamOptions = {}): Rows<R> =>
      new RowStream<R>(new FetchPortions<R>(place, statement, options)),
  };
}
