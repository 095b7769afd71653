/**
 * COPY … TO STDOUT through the extended protocol (PostgreSQL protocol, "COPY Operations").
 *
 * Invariants:
 * - The extended protocol takes one statement: a text that holds another is refused by the server.
 * - Everything is sent at once, with one Sync at its end: ReadyForQuery follows whatever happens.
 * - A chunk is only valid while `data` runs: the driver reads on into the same memory.
 */
import type { Submittable, Wire } from "./wire.ts";

export interface CopyListener {
  data(chunk: Buffer): void;
  /** The server wrote all rows; `ready` follows. */
  complete(rowCount: number): void;
  failed(error: unknown): void;
  /** The connection may be used again. */
  ready(): void;
}

const LIMIT_TEXT = "select set_config('statement_timeout', $1, true)";

export class CopyQuery implements Submittable {
  readonly text: string;
  readonly values: readonly unknown[] = [];
  readonly #statementTimeoutMs: number;
  readonly #listener: CopyListener;
  #wire: Wire | undefined;
  /** The setting that goes ahead was not answered yet. */
  #ahead = true;
  #failed = false;

  constructor(text: string, statementTimeoutMs: number, listener: CopyListener) {
    this.text = text;
    this.#statementTimeoutMs = statementTimeoutMs;
    this.#listener = listener;
  }

  submit(wire: Wire): undefined {
    this.#wire = wire;
    wire.stream.cork();
    wire.parse({ text: LIMIT_TEXT });
    wire.bind({ values: [String(this.#statementTimeoutMs)] });
    wire.execute({ portal: "", rows: 0 });
    wire.parse({ text: this.text });
    wire.bind({ values: [] });
    wire.execute({ portal: "", rows: 0 });
    wire.sync();
    wire.stream.uncork();
  }

  /** Lets the server wait: what it has sent stays in the socket's buffers. */
  pause(): void {
    this.#wire?.stream.pause();
  }

  resume(): void {
    this.#wire?.stream.resume();
  }

  handleRowDescription(): void {
    // Nothing was described.
  }

  handleDataRow(): void {
    // The answer of the setting.
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (!this.#failed) this.#listener.data(chunk);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    if (this.#ahead) this.#ahead = false;
    else this.#listener.complete(Number(/\d+$/.exec(text)?.[0] ?? 0));
  }

  handleError(error: unknown, wire: Wire): void {
    if (this.#failed) return;
    this.#failed = true;
    if (this.#wire !== undefined) wire.once("readyForQuery", () => this.#listener.ready());
    this.#listener.failed(error);
  }

  handleReadyForQuery(): void {
    this.#listener.ready();
  }
}
