/**
 * COPY … FROM STDIN over the driver's connection.
 *
 * Invariants (source: PostgreSQL documentation, "COPY Operations" of the frontend protocol):
 * - CopyData follows CopyInResponse only, and nothing of it follows an error or CopyDone;
 * - what fails on this side is told by CopyFail, and the server's answer awaited, so that the
 *   connection stays usable;
 * - at most 1 MiB waits in this process for the socket: the next block is made after `drain`.
 */
import type { Socket } from "node:net";
import { BINARY_END, BINARY_HEAD, BUFFER_BYTES, COPY_DONE, copyData } from "./copy-text.ts";
import type { BinaryBlock, Block, TextBlock } from "./feed.ts";

/** The part of the driver's connection that is used. */
interface Wire {
  readonly stream: Socket;
  query(text: string): void;
  sendCopyFail(message: string): void;
}

/** Where blocks come from, all of the form that the statement's text says: undefined ends the COPY. */
export type NextBlock = () => Block | undefined | Promise<Block | undefined>;

const WAITING_BYTES_MAX = 2 ** 20;

export interface Copied {
  readonly rows: number;
  readonly bytes: number;
}

/** A statement object for `client.query`. */
export class CopyIn {
  readonly text: string;
  /** Read by whoever watches statements. */
  readonly values: readonly unknown[] = [];
  /** Set by the driver for its own time-outs. */
  callback: (() => void) | undefined = undefined;
  readonly done: Promise<Copied>;
  readonly #next: NextBlock;
  readonly #settle: PromiseWithResolvers<Copied>;
  #wire: Wire | undefined;
  /** The binary form's head was sent. */
  #begun = false;
  #over = false;
  #failure: unknown;
  readonly #spare: Buffer[] = [];
  #rows = 0;
  #bytes = 0;
  #drained: (() => void) | undefined;

  constructor(text: string, next: NextBlock) {
    this.text = text;
    this.#next = next;
    this.#settle = Promise.withResolvers<Copied>();
    this.done = this.#settle.promise;
  }

  submit(wire: Wire): void {
    this.#wire = wire;
    wire.query(this.text);
  }

  handleCopyInResponse(): void {
    void this.#pump();
  }

  handleCommandComplete(message: { readonly text?: string }): void {
    this.#rows = Number(/^COPY (\d+)/.exec(message.text ?? "")?.[1] ?? 0);
  }

  handleReadyForQuery(): void {
    this.#over = true;
    if (this.#failure === undefined) this.#settle.resolve({ rows: this.#rows, bytes: this.#bytes });
    else this.#settle.reject(this.#failure);
  }

  handleError(error: unknown): void {
    this.#over = true;
    this.#drained?.();
    this.#settle.reject(this.#failure ?? error);
  }

  handleRowDescription(): void {
    // COPY FROM answers no rows.
  }

  handleDataRow(): void {
    // As above.
  }

  handleEmptyQuery(): void {
    // The text is never empty.
  }

  async #pump(): Promise<void> {
    const { stream } = this.#wire!;
    try {
      for (;;) {
        const given = this.#next();
        const block = given instanceof Promise ? await given : given;
        if (this.#over) return;
        if (block === undefined) break;
        const room = block.form === "text" ? this.#text(block) : this.#binary(block);
        if (!room && stream.writableLength > WAITING_BYTES_MAX) await this.#drain(stream);
        if (this.#over) return;
      }
      if (this.#begun) stream.write(BINARY_END);
      stream.write(COPY_DONE);
    } catch (error) {
      this.#failure = error;
      if (!this.#over) this.#wire!.sendCopyFail("");
    }
  }

  #text({ text }: TextBlock): boolean {
    const message = copyData(text, this.#spare.pop());
    this.#bytes += message.length;
    return this.#wire!.stream.write(message, () => this.#used(message));
  }

  #binary({ message, release }: BinaryBlock): boolean {
    const { stream } = this.#wire!;
    if (!this.#begun) stream.write(BINARY_HEAD);
    this.#begun = true;
    this.#bytes += message.length;
    return stream.write(message, release);
  }

  /** What the socket has taken is written to again: made anew, buffers outlive many blocks. */
  #used(message: Buffer): void {
    if (message.buffer.byteLength === BUFFER_BYTES && !this.#over)
      this.#spare.push(Buffer.from(message.buffer, 0, BUFFER_BYTES));
  }

  #drain(stream: Socket): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#drained = undefined;
        stream.removeListener("drain", done);
        stream.removeListener("close", done);
        resolve();
      };
      this.#drained = done;
      stream.once("drain", done);
      stream.once("close", done);
    });
  }
}
