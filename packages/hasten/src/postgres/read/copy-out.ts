/**
 * COPY … TO STDOUT as a Readable of bytes.
 *
 * Invariants:
 * - The connection is taken with the first read and given back once: clean when the server is ready,
 *   abandoned when it is ended before all rows were written.
 * - Bytes are copied into chunks of 64 KiB; when the reader has enough the socket is paused, so that
 *   the server itself waits.
 * - `end` comes after the server said that all rows were written: a connection that is lost is an error,
 *   never a short file.
 */
import { Readable } from "node:stream";
import type { QueryRecord } from "../../core/trace/index.ts";
import { type Core, checkedTimeout, UNSENT_RETRIES } from "../core.ts";
import { PostgresError } from "../errors.ts";
import { aborted, failureOf, timedOut, unavailable } from "../failures.ts";
import type { Lease } from "../lease.ts";
import { recordCall, recordEnded, recordSent } from "../recording/record.ts";
import { explain } from "../session.ts";
import type { CopyOutOptions } from "./copy-options.ts";
import { CopyQuery } from "./copy-query.ts";
import { type CopySource, copyText } from "./copy-statement.ts";
import { type Limits, resolveLimits } from "./options.ts";
import { holdSnapshot, SERVER_AFTER_MS } from "./snapshot-limits.ts";
import { readingClient } from "./wire.ts";

export const CHUNK_BYTES = 65_536;

/** What COPY writes: a Readable, so it can be iterated and piped. */
export class CopyOut extends Readable {
  readonly #core: Core;
  readonly #text: string;
  readonly #timeoutMs: number;
  readonly #limits: Limits;
  readonly #signal: AbortSignal | undefined;
  #lease: Lease | undefined;
  #query: CopyQuery | undefined;
  #chunk: Buffer = NOTHING;
  #at = 0;
  #isOpening = false;
  #isPaused = false;
  #bytes = 0;
  #rowCount: number | undefined;
  #attempts = 0;
  #heardMs = 0;
  #startedMs = 0;
  #stopWatches: (() => void)[] = [];
  readonly #record: QueryRecord | undefined;

  constructor(core: Core, source: CopySource, options: CopyOutOptions) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#core = core;
    this.#text = copyText(source, options);
    this.#timeoutMs = checkedTimeout(options.timeoutMs, core);
    this.#limits = resolveLimits(options);
    this.#signal = options.signal;
    this.#record = recordCall(core.around.clock, this.#text, undefined);
    if (this.#record !== undefined) this.#record.streamed = true;
  }

  /** Rows written by the server; undefined until all of them have come. */
  get rowCount(): number | undefined {
    return this.#rowCount;
  }

  /** Bytes that have come so far. */
  get bytesRead(): number {
    return this.#bytes;
  }

  override _read(): void {
    this.#heardMs = this.#core.around.clock.nowMs();
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#query!.resume();
    }
    if (this.#isOpening) return;
    this.#isOpening = true;
    this.#open().catch((error: unknown) => this.destroy(error as Error));
  }

  override _destroy(error: Error | null, told: (error?: Error | null) => void): void {
    const lease = this.#lease;
    this.#stop();
    if (lease !== undefined && this.#rowCount === undefined) {
      lease.abandon(error instanceof PostgresError ? error : ENDED);
      this.#measured(error === null ? undefined : error);
    }
    // What is paused would not be told that its connection has ended.
    if (this.#isPaused) this.#query!.resume();
    told(error);
  }

  async #open(): Promise<void> {
    const signal = this.#signal;
    const { clock } = this.#core.around;
    const lease = await this.#core.connections.acquire({ timeoutMs: this.#timeoutMs, signal });
    if (this.destroyed) return lease.release("clean");
    this.#lease = lease;
    this.#heardMs = clock.nowMs();
    this.#startedMs = this.#heardMs;
    const onAbort = (): void => void this.destroy(aborted(signal!));
    signal?.addEventListener("abort", onAbort, { once: true });
    const letGo = holdSnapshot({
      core: this.#core,
      text: this.#text,
      limits: this.#limits,
      rows: () => 0,
      onMax: (error) => void this.destroy(error),
    });
    this.#stopWatches = [letGo, () => signal?.removeEventListener("abort", onAbort)];
    this.#watchSilence();
    recordSent(this.#record, this.#startedMs, lease.bytesRead());
    const limit = {
      timeoutMs: this.#limits.maxMs + 2 * SERVER_AFTER_MS,
      onTimeout: () => ENDED,
    };
    lease
      .use((client) => this.#run(readingClient(client)), limit)
      .then(
        () => lease.release("clean"),
        (error: unknown) => {
          lease.release("broken");
          this.#failed(error);
        },
      );
  }

  #run(client: ReturnType<typeof readingClient>): Promise<void> {
    return new Promise((resolve, reject) => {
      const statementTimeoutMs = this.#limits.maxMs + SERVER_AFTER_MS;
      this.#query = new CopyQuery(this.#text, statementTimeoutMs, {
        data: (bytes) => this.#add(bytes),
        complete: (rowCount) => this.#complete(rowCount),
        failed: (error) => {
          const given = failureOf(error);
          if (given === "dead" || given === "unsent") reject(error);
          else this.#failed(error);
        },
        ready: resolve,
      });
      client.query(this.#query);
    });
  }

  #add(bytes: Buffer): void {
    if (this.destroyed) return;
    this.#bytes += bytes.length;
    if (bytes.length > CHUNK_BYTES - this.#at) {
      this.#flush();
      if (bytes.length > CHUNK_BYTES) {
        this.#give(Buffer.from(bytes));
        return;
      }
    }
    if (this.#chunk.length === 0) this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    bytes.copy(this.#chunk, this.#at);
    this.#at += bytes.length;
  }

  #flush(): void {
    if (this.#at === 0) return;
    const chunk = this.#chunk.subarray(0, this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#give(chunk);
  }

  #give(chunk: Buffer): void {
    this.#heardMs = this.#core.around.clock.nowMs();
    if (this.push(chunk) || this.#isPaused || this.#rowCount !== undefined) return;
    this.#isPaused = true;
    this.#query!.pause();
  }

  #complete(rowCount: number): void {
    this.#rowCount = rowCount;
    this.#stop();
    this.#measured(undefined);
    this.#flush();
    if (!this.destroyed) this.push(null);
    // The connection goes back when the server is ready, which a paused socket would not hear.
    if (this.#isPaused) this.#query!.resume();
    this.#isPaused = false;
  }

  #failed(error: unknown): void {
    if (this.destroyed || this.#rowCount !== undefined) return;
    const { around } = this.#core;
    const failure = failureOf(error);
    this.#stop();
    if (failure === "unsent" && this.#attempts++ < UNSENT_RETRIES) {
      this.#open().catch((again: unknown) => this.destroy(again as Error));
      return;
    }
    this.#measured(error);
    // The lease is given back by whoever waits for `ready`: it is not ended here.
    this.#lease = undefined;
    if (failure === "dead" && !(error instanceof PostgresError)) {
      const because = "the connection was lost in the middle of a COPY";
      this.destroy(unavailable(because, error, around.full));
      return;
    }
    const elapsedMs = around.clock.nowMs() - this.#startedMs;
    const attempt = { text: this.#text, elapsedMs, onLost: "rolled-back" as const };
    this.destroy(explain(error, attempt, around).error);
  }

  /** One timer, looked at again when it fires: chunks come too often to set it for each. */
  #watchSilence(): void {
    const { clock, measure } = this.#core.around;
    const look = (delayMs: number): void => {
      const timer = clock.schedule(delayMs, () => {
        const silentMs = this.#isPaused ? 0 : clock.nowMs() - this.#heardMs;
        if (silentMs < this.#timeoutMs) return look(this.#timeoutMs - silentMs);
        this.destroy(timedOut(this.#timeoutMs, measure.nameOf(this.#text)));
      });
      this.#stopWatches[2] = () => timer.cancel();
    };
    look(this.#timeoutMs);
  }

  #measured(error: unknown): void {
    const { clock, measure, database } = this.#core.around;
    const nowMs = clock.nowMs();
    const rows = this.#rowCount ?? 0;
    measure.statement(this.#text, nowMs - this.#startedMs, { rows, ok: error === undefined });
    recordEnded(this.#record, {
      nowMs,
      bytesRead: this.#lease?.bytesRead(),
      rows,
      error,
      database,
    });
  }

  #stop(): void {
    for (const stop of this.#stopWatches.splice(0)) stop();
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

const ENDED: PostgresError = new PostgresError("HST_PG_CLOSED", {
  message: "The COPY was ended before all rows had come.",
  fix: "Read it to its end, or open another one.",
});
