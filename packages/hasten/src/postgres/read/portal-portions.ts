/**
 * The portions of one statement on a connection of its own.
 *
 * Invariants:
 * - The connection is taken with the first portion and given back once: clean when the server said that
 *   it is ready, abandoned when it did not within its time.
 * - At most one portion is ahead of the reader: the next is asked for when the reader takes one.
 * - It is given back as soon as the statement is complete, however long the reader takes for what is here.
 * - After it was ended for a reason (abort, time-out, snapshot limit, drain) the reader gets that reason.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { type Core, UNSENT_RETRIES } from "../core.ts";
import { PostgresError } from "../errors.ts";
import { aborted, failureOf, timedOut, unavailable } from "../failures.ts";
import type { Lease } from "../lease.ts";
import { recordCall, recordEnded, recordSent } from "../recording/record.ts";
import { explain } from "../session.ts";
import type { Statement } from "../sql.ts";
import { toPgStatement } from "../statement.ts";
import type { ResolvedStream } from "./options.ts";
import { Portal } from "./portal.ts";
import type { Portions } from "./portions.ts";
import { ENDED, holdSnapshot, lostForGood, SERVER_AFTER_MS } from "./snapshot-limits.ts";
import { readingClient } from "./wire.ts";

/** Longest wait for the server to close a portal politely; then the connection is given up. */
const CLOSE_MS = 1_000;

const UNSENT: unique symbol = Symbol("unsent");

interface Waiter<R> {
  resolve(rows: readonly R[] | undefined | typeof UNSENT): void;
  reject(error: unknown): void;
}

export class PortalPortions<R> implements Portions<R> {
  readonly #core: Core;
  readonly #text: string;
  readonly #values: readonly unknown[];
  readonly #options: ResolvedStream;
  #lease: Lease | undefined;
  #portal: Portal<R> | undefined;
  /** The portion that came before the reader asked. */
  #ahead: readonly R[] | undefined;
  #waiter: Waiter<R> | undefined;
  #isComplete = false;
  #failure: PostgresError | undefined;
  #isEnding = false;
  #rows = 0;
  /** Time in which the server was asked for something: what a monitor sees as its duration. */
  #askedMs = 0;
  #askedAtMs = 0;
  #stopWatches: (() => void)[] = [];
  #lateTimer: { cancel(): void } | undefined;
  #closeTimer: { cancel(): void } | undefined;
  #isMeasured = false;
  #record: QueryRecord | undefined;
  #over: PromiseWithResolvers<void> | undefined;

  /** @throws HST_PG_SQL, HST_PG_VALUE for a statement that cannot be sent */
  constructor(core: Core, statement: Statement, options: ResolvedStream) {
    const { text, values } = toPgStatement(statement);
    this.#core = core;
    this.#text = text;
    this.#values = values;
    this.#options = options;
  }

  async next(): Promise<readonly R[] | undefined> {
    const { signal } = this.#options;
    if (this.#failure === undefined && signal?.aborted) this.#end(aborted(signal));
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#lease === undefined && !this.#isEnding) return this.#first();
    return (await this.#portion()) as readonly R[] | undefined;
  }

  async close(): Promise<void> {
    this.#failure ??= ENDED;
    this.#end(this.#failure);
    await this.#over?.promise;
  }

  /** A connection found dead before anything was sent is replaced. */
  async #first(): Promise<readonly R[] | undefined> {
    this.#record = recordCall(this.#core.around.clock, this.#text, this.#values);
    if (this.#record !== undefined) this.#record.streamed = true;
    for (let attempt = 0; ; attempt++) {
      await this.#open(attempt >= UNSENT_RETRIES);
      const rows = await this.#portion();
      if (rows !== UNSENT) return rows;
    }
  }

  async #open(isLastAttempt: boolean): Promise<void> {
    const { signal, timeoutMs, rowsPerRead, limits } = this.#options;
    const acquired = this.#core.connections.acquire({ timeoutMs, signal });
    const lease = await acquired.catch((error: unknown) => {
      this.#recorded(error);
      throw error;
    });
    if (this.#isEnding) {
      lease.release("clean");
      throw this.#failure;
    }
    this.#lease = lease;
    this.#over = Promise.withResolvers();
    const onAbort = (): void => this.#end(aborted(signal!));
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#stopWatches = [
      () => signal?.removeEventListener("abort", onAbort),
      holdSnapshot({
        core: this.#core,
        text: this.#text,
        limits,
        rows: () => this.#rows,
        onMax: (error) => this.#end(error),
      }),
    ];
    const ready = Promise.withResolvers<void>();
    const work = lease.use(
      async (client) => {
        const reading = readingClient(client);
        const statementTimeoutMs = limits.maxMs + SERVER_AFTER_MS;
        this.#portal = new Portal<R>(
          { text: this.#text, values: this.#values, rowsPerRead, statementTimeoutMs },
          reading,
          {
            portion: (rows, isLast) => this.#arrived(rows, isLast),
            failed: (error) => {
              const unsent = failureOf(error) === "unsent" && !isLastAttempt;
              if (unsent) this.#retry();
              else this.#failed(error);
            },
            ready: () => ready.resolve(),
          },
        );
        this.#asked();
        recordSent(this.#record, this.#askedAtMs, lease.bytesRead());
        reading.query(this.#portal);
        return ready.promise;
      },
      { timeoutMs: limits.maxMs + 2 * CLOSE_MS, onTimeout: () => lostForGood(limits.maxMs) },
    );
    work.then(
      () => this.#letGo("clean"),
      (error: unknown) => {
        this.#failed(error);
        this.#letGo("broken");
      },
    );
  }

  #portion(): Promise<readonly R[] | undefined | typeof UNSENT> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const rows = this.#ahead;
    this.#ahead = undefined;
    if (rows !== undefined) {
      this.#prefetch();
      return Promise.resolve(rows);
    }
    if (this.#isComplete) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #prefetch(): void {
    if (this.#isComplete || this.#isEnding) return;
    this.#asked();
    this.#portal!.more();
  }

  #arrived(rows: readonly R[], isLast: boolean): void {
    this.#answered();
    this.#rows += rows.length;
    if (isLast) {
      this.#isComplete = true;
      this.#measured(true);
      for (const stop of this.#stopWatches.splice(0)) stop();
    }
    if (this.#isEnding) return;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#ahead = rows.length > 0 ? rows : undefined;
    else if (rows.length === 0) waiter.resolve(isLast ? undefined : rows);
    else {
      waiter.resolve(rows);
      this.#prefetch();
    }
  }

  #failed(error: unknown): void {
    this.#answered();
    if (this.#failure === undefined) {
      this.#failure = this.#explained(error);
      this.#measured(false);
    }
    this.#isEnding = true;
    this.#tellWaiter(this.#failure);
    const given = failureOf(error);
    if (given === "dead" || given === "unsent") this.#letGo("broken");
    else this.#closeWithin();
  }

  #explained(error: unknown): PostgresError {
    const { around } = this.#core;
    if (failureOf(error) === "dead" && !(error instanceof PostgresError))
      return unavailable("the connection was lost in the middle of a stream", error, around.full);
    const elapsedMs = this.#askedMs;
    return explain(error, { text: this.#text, elapsedMs, onLost: "rolled-back" }, around).error;
  }

  #retry(): void {
    this.#answered();
    this.#letGo("broken");
    this.#lease = undefined;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve(UNSENT);
  }

  /** Ends what runs, for this reason; the connection goes back when the server is ready, or is given up. */
  #end(reason: PostgresError): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#failure ??= reason;
    this.#ahead = undefined;
    this.#tellWaiter(this.#failure);
    if (this.#lease === undefined || this.#over === undefined) return;
    this.#measured(reason === ENDED);
    this.#portal?.close();
    this.#closeWithin();
  }

  #closeWithin(): void {
    this.#answered();
    const lease = this.#lease!;
    this.#closeTimer ??= this.#core.around.clock.schedule(CLOSE_MS, () =>
      lease.abandon(this.#failure!),
    );
  }

  #tellWaiter(error: PostgresError): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(error);
  }

  #asked(): void {
    const { clock, measure } = this.#core.around;
    const { timeoutMs } = this.#options;
    this.#askedAtMs = clock.nowMs();
    this.#lateTimer = clock.schedule(timeoutMs, () => {
      const error = timedOut(timeoutMs, measure.nameOf(this.#text));
      this.#failure ??= error;
      this.#lease?.abandon(error);
    });
  }

  #answered(): void {
    this.#lateTimer?.cancel();
    this.#lateTimer = undefined;
    if (this.#askedAtMs === 0) return;
    this.#askedMs += this.#core.around.clock.nowMs() - this.#askedAtMs;
    this.#askedAtMs = 0;
  }

  #measured(ok: boolean): void {
    if (this.#isMeasured) return;
    this.#isMeasured = true;
    this.#core.measure.statement(this.#text, this.#askedMs, { rows: this.#rows, ok });
    this.#recorded(ok ? undefined : this.#failure);
  }

  #recorded(error: unknown): void {
    const { clock, database } = this.#core.around;
    const sentMs = this.#record?.sentMs ?? 0;
    recordEnded(this.#record, {
      // The time of the server, not of the reader in between.
      nowMs: sentMs === 0 ? clock.nowMs() : sentMs + this.#askedMs,
      bytesRead: this.#lease?.bytesRead(),
      rows: this.#rows,
      error,
      database,
    });
  }

  #letGo(state: "clean" | "broken"): void {
    this.#lateTimer?.cancel();
    this.#closeTimer?.cancel();
    for (const stop of this.#stopWatches.splice(0)) stop();
    this.#lease?.release(state);
    this.#over?.resolve();
  }
}
