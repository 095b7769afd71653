/**
 * One statement read in portions through a portal (PostgreSQL protocol, "Extended Query": Execute with
 * a row limit, PortalSuspended, Close).
 *
 * Invariants:
 * - Exactly one Sync is sent for it, whatever happens: after the last portion, after an error of the
 *   server, or with Close. So the server says ReadyForQuery once, and then the connection is clean.
 * - Without a Sync in between, everything is one transaction of its own: the rows of all portions come
 *   from one snapshot, a pooler in transaction mode keeps its server connection, and the setting that
 *   goes ahead holds for this statement only.
 * - The next portion is asked for by `more()` only: the server never sends more than that.
 * - After an error the driver forgets the statement, so that the connection is clean again is heard
 *   from the connection itself.
 */
import { PostgresError } from "../errors.ts";
import { type RowReader, rowReader } from "./row-reader.ts";
import type { DriverQueryClass, ReadingClient, Submittable, Wire, WireField } from "./wire.ts";

/** What becomes of a portal; each call is synchronous, from the socket's event. */
export interface PortalListener<R> {
  /** A portion arrived; `isLast` says that the statement is complete. */
  portion(rows: R[], isLast: boolean): void;
  /** The server, the driver or the connection failed it. No portion follows. */
  failed(error: unknown): void;
  /** The connection may be used again. Not called when it is lost. */
  ready(): void;
}

export interface PortalRequest {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly rowsPerRead: number;
  /** The server's limit for all of it, in place of that of the session. */
  readonly statementTimeoutMs: number;
}

const LIMIT_TEXT = "select set_config('statement_timeout', $1, true)";

export class Portal<R> implements Submittable {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly #request: PortalRequest;
  readonly #listener: PortalListener<R>;
  readonly #client: ReadingClient;
  #wire: Wire | undefined;
  #read: RowReader | undefined;
  #rows: R[] = [];
  /** The setting that goes ahead was not answered yet. */
  #ahead = true;
  #synced = false;
  #failed = false;
  #unreadable: { readonly error: unknown } | undefined;

  constructor(request: PortalRequest, client: ReadingClient, listener: PortalListener<R>) {
    this.text = request.text;
    this.values = request.values;
    this.#request = request;
    this.#client = client;
    this.#listener = listener;
  }

  /** Internal: called by the driver when the connection is free. */
  submit(wire: Wire): Error | null | undefined {
    this.#wire = wire;
    const { text, values, rowsPerRead: rows, statementTimeoutMs } = this.#request;
    const Query: DriverQueryClass = this.#client.constructor.Query;
    // Values are encoded by the driver; one that it cannot encode it has answered with a Sync.
    const callback = (error: unknown): void => {
      this.#synced = true;
      this.#unreadable = { error };
    };
    const query = new Query({ text, values, queryMode: "extended", rows, portal: "", callback });
    wire.stream.cork();
    try {
      wire.parse({ text: LIMIT_TEXT });
      wire.bind({ values: [String(statementTimeoutMs)] });
      wire.execute({ portal: "", rows: 0 });
      return query.submit(wire);
    } finally {
      wire.stream.uncork();
    }
  }

  /** Asks for the next portion; only after one that was not the last. */
  more(): void {
    if (this.#synced) return;
    this.#wire!.execute({ portal: "", rows: this.#request.rowsPerRead });
    this.#wire!.flush();
  }

  /** Closes the portal; `ready` follows once what is under way has ended. */
  close(): void {
    if (this.#synced) return;
    this.#wire!.stream.cork();
    this.#wire!.close({ type: "P", name: "" });
    this.#sync();
    this.#wire!.stream.uncork();
  }

  handleRowDescription({ fields }: { readonly fields: readonly WireField[] }): void {
    this.#read = rowReader(fields, this.#client);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#ahead || this.#unreadable !== undefined) return;
    try {
      this.#rows.push(this.#read!(fields) as R);
    } catch (error) {
      this.#unreadable = { error };
    }
  }

  handlePortalSuspended(): void {
    this.#deliver(false);
  }

  handleCommandComplete(): void {
    if (this.#ahead) {
      this.#ahead = false;
      return;
    }
    this.#sync();
    this.#deliver(true);
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handleError(error: unknown, wire: Wire): void {
    if (this.#failed) return;
    this.#failed = true;
    // The driver's own errors (a lost connection, one that cannot be used) come without a wire to mend.
    if (this.#wire !== undefined) {
      wire.once("readyForQuery", () => this.#listener.ready());
      this.#sync();
    }
    this.#listener.failed(error);
  }

  handleReadyForQuery(): void {
    if (this.#unreadable !== undefined) this.#fail(this.#unreadable.error);
    this.#listener.ready();
  }

  handleCopyInResponse(wire: Wire & { sendCopyFail(message: string): void }): void {
    wire.sendCopyFail("not a statement that returns rows");
  }

  handleCopyData(): void {
    this.#unreadable ??= { error: notRows() };
  }

  #deliver(isLast: boolean): void {
    if (this.#unreadable !== undefined) {
      this.#fail(this.#unreadable.error);
      this.close();
      return;
    }
    const rows = this.#rows;
    this.#rows = [];
    if (!this.#failed) this.#listener.portion(rows, isLast);
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#listener.failed(error);
  }

  #sync(): void {
    if (this.#synced) return;
    this.#synced = true;
    this.#wire!.sync();
  }
}

const notRows = (): PostgresError =>
  new PostgresError("HST_PG_SQL", {
    message: "The statement is a COPY, which returns no rows.",
    fix: "Use db.copyOut() for COPY … TO STDOUT, db.bulk() to write.",
  });
