/**
 * Answers of many statements, a batch at a time.
 *
 * Invariants:
 * - A batch has its connection from when it is sent until its last answer, never between batches.
 * - At most one batch is ahead of the reader; no more sets are taken from the input than that.
 * - Answers come in the order of the sets; after the first that failed there are none.
 */
import { type Core, checkedTimeout, UNSENT_RETRIES } from "../core.ts";
import { PostgresError } from "../errors.ts";
import { checkedBatchSize, sendTogether, type Together } from "../send-together.ts";
import { stateAfter } from "../session.ts";
import type { Statement } from "../sql.ts";
import type { Portions } from "./portions.ts";
import type { BatchQueryOptions } from "./types.ts";

export interface BatchSets<S> {
  readonly items: Iterable<S> | AsyncIterable<S>;
  readonly build: (item: S) => Statement;
}

/** Longest wait for a batch that nobody wants any more; then its connection is given up. */
const CLOSE_MS = 1_000;

export class BatchPortions<S, R> implements Portions<readonly R[]> {
  readonly #core: Core;
  readonly #sets: BatchSets<S>;
  readonly #size: number;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #items: Iterator<S> | AsyncIterator<S> | undefined;
  #isDrained = false;
  #sent = 0;
  #ahead: Promise<readonly (readonly R[])[] | undefined> | undefined;
  #isOver = false;

  constructor(core: Core, sets: BatchSets<S>, options: BatchQueryOptions) {
    const { signal, batchSize, timeoutMs } = options;
    this.#core = core;
    this.#sets = sets;
    this.#size = checkedBatchSize(batchSize);
    this.#timeoutMs = checkedTimeout(timeoutMs, core);
    this.#signal =
      signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  async next(): Promise<readonly (readonly R[])[] | undefined> {
    if (this.#isOver) return undefined;
    const answers = await (this.#ahead ?? this.#read());
    this.#ahead = undefined;
    if (answers === undefined) this.#isOver = true;
    else {
      this.#ahead = this.#read();
      // Told when the reader comes for it.
      this.#ahead.catch(() => undefined);
    }
    return answers;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    const timer = this.#core.around.clock.schedule(CLOSE_MS, () => this.#stop.abort());
    await this.#ahead?.catch(() => undefined);
    timer.cancel();
    if (!this.#isDrained) await this.#items?.return?.();
    this.#isDrained = true;
  }

  async #read(): Promise<readonly (readonly R[])[] | undefined> {
    const items = await this.#take();
    if (items.length === 0) return undefined;
    const first = this.#sent;
    this.#sent += items.length;
    const statements = items.map(this.#sets.build);
    for (let attempt = 0; ; attempt++) {
      const sent = await this.#send(statements, first);
      if (sent.kind === "answered")
        return sent.results.map((result) => result.rows as readonly R[]);
      if (!this.#worthAnother(sent.failure, attempt)) throw sent.error;
    }
  }

  async #send(statements: readonly Statement[], first: number): Promise<Together> {
    const signal = this.#signal;
    const timeoutMs = this.#timeoutMs;
    const lease = await this.#core.connections.acquire({ timeoutMs, signal, use: "query" });
    const onTimeout = (): PostgresError => batchTimedOut(timeoutMs);
    try {
      const limit = { timeoutMs, signal, onTimeout, first };
      const sent = await sendTogether({ lease, around: this.#core.around }, statements, limit);
      lease.release(sent.kind === "answered" ? "clean" : stateAfter(sent.failure));
      return sent;
    } catch (error) {
      lease.release("clean");
      throw error;
    }
  }

  /** They read, so they may be sent again when their connection died. */
  #worthAnother(failure: string, attempt: number): boolean {
    if (failure === "unsent") return attempt < UNSENT_RETRIES;
    return failure === "dead" && attempt < this.#core.options.retry.idempotentRetries;
  }

  async #take(): Promise<S[]> {
    const taken: S[] = [];
    this.#items ??= iteratorOf(this.#sets.items);
    while (taken.length < this.#size && !this.#isDrained) {
      const given = this.#items.next();
      const step = given instanceof Promise ? await given : (given as IteratorResult<S>);
      if (step.done === true) this.#isDrained = true;
      else taken.push(step.value);
    }
    return taken;
  }
}

const iteratorOf = <S>(items: Iterable<S> | AsyncIterable<S>): Iterator<S> | AsyncIterator<S> =>
  Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();

const batchTimedOut = (timeoutMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `A batch had no answer within ${Math.round(timeoutMs)} ms.`,
    fix: "Use a smaller batchSize or a longer timeoutMs.",
  });
