import { Worker } from "node:worker_threads";
import { modelFailed } from "./engine.ts";
import type { WorkerReply, WorkerRequest, WorkerTask } from "./engine-messages.ts";

const CALL_MS = 30_000;
/** The first boot on a slow machine makes a whole PostgreSQL directory. */
const BOOT_MS = 120_000;
/** Calls that wait for their turn at most. */
const WAITING_MAX = 1000;
const MS_PER_SECOND = 1000;

export interface WorkerLimits {
  /** A call that takes longer ends the worker. In milliseconds. @default 30,000 */
  readonly timeLimitMs?: number | undefined;
  /** Ends the worker. */
  readonly signal?: AbortSignal | undefined;
}

/** A worker thread that does one task; it keeps the process alive only while it is asked. */
export interface EngineWorker extends AsyncDisposable {
  /** One after the other, in the order of the calls. */
  call(request: WorkerRequest): Promise<readonly object[]>;
  /** Throws why it answers no more: from then on all calls reject so. */
  throwIfEnded(): void;
}

/** @throws DoctorError HST_DOCTOR_MODEL; the signal's reason */
export async function startWorker(task: WorkerTask, limits: WorkerLimits): Promise<EngineWorker> {
  limits.signal?.throwIfAborted();
  const client = new Client(task, limits);
  try {
    await client.ready();
    return client;
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

interface Pending {
  resolve(reply: WorkerReply): void;
  reject(reason: unknown): void;
}

class Client implements EngineWorker {
  readonly #worker: Worker;
  readonly #limits: WorkerLimits;
  readonly #aborted = (): void => this.#end(this.#limits.signal?.reason);
  #pending: Pending | undefined;
  #ended: { readonly reason: unknown } | undefined;
  #stopped: Promise<unknown> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(task: WorkerTask, limits: WorkerLimits) {
    this.#limits = limits;
    this.#worker = new Worker(workerFile(), {
      name: "hasten-doctor-model",
      workerData: task,
      // Neither this process's environment nor its preloads: the model has no use for either.
      env: {},
      argv: [],
      execArgv: [],
      // Not this process's. They are not read, which would keep it alive; PGlite prints nothing.
      stdout: true,
      stderr: true,
    });
    this.#worker.on("message", (reply: WorkerReply) => this.#pending?.resolve(reply));
    // Not the error itself: its text is not ours.
    this.#worker.on("messageerror", () => this.#end(failed()));
    this.#worker.on("error", () => this.#end(failed()));
    this.#worker.on("exit", () => this.#end(failed()));
    limits.signal?.addEventListener("abort", this.#aborted, { once: true });
  }

  async ready(): Promise<void> {
    await this.#exchange(undefined, BOOT_MS);
  }

  async call(request: WorkerRequest): Promise<readonly object[]> {
    if (this.#waiting >= WAITING_MAX)
      throw modelFailed("Too many calls wait for the model", undefined);
    this.#waiting++;
    const own = this.#last.then(() => this.#exchange(request, this.#limits.timeLimitMs ?? CALL_MS));
    this.#last = own.catch(() => undefined);
    try {
      return await own;
    } finally {
      this.#waiting--;
    }
  }

  throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(modelFailed("The model is closed", undefined));
    await this.#stopped;
  }

  async #exchange(request: WorkerRequest | undefined, limitMs: number): Promise<readonly object[]> {
    this.throwIfEnded();
    const { promise, resolve, reject } = Promise.withResolvers<WorkerReply>();
    this.#pending = { resolve, reject };
    let answered = false;
    const late = (): void => {
      if (!answered) this.#end(tookTooLong(limitMs));
    };
    // A thread that was itself held up for so long first hears what has come meanwhile.
    const timer = setTimeout(() => setImmediate(late), limitMs);
    this.#worker.ref();
    try {
      if (request !== undefined) this.#send(request);
      const reply = await promise;
      if (reply.kind === "rows") return reply.rows;
      if (reply.kind === "refused")
        throw modelFailed("The model's PostgreSQL refuses a statement", { code: reply.sqlstate });
      this.#end(failed(reply.sqlstate));
      this.throwIfEnded();
      return [];
    } finally {
      answered = true;
      clearTimeout(timer);
      this.#pending = undefined;
      if (this.#ended === undefined) this.#worker.unref();
    }
  }

  #send(request: WorkerRequest): void {
    try {
      this.#worker.postMessage(request);
    } catch {
      // A value that cannot be copied, which Node's text would show.
      throw modelFailed("The model cannot be asked with such a value", undefined);
    }
  }

  /** For good, and for the first reason that there is. */
  #end(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    this.#limits.signal?.removeEventListener("abort", this.#aborted);
    this.#stopped = this.#worker.terminate();
    this.#pending?.reject(reason);
  }
}

/** Beside this file, in the source and in the published package. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./engine-worker.${extension}`, import.meta.url);
}

const failed = (sqlstate?: string): Error =>
  modelFailed("The model's PostgreSQL ended unexpectedly", { code: sqlstate });

const tookTooLong = (limitMs: number): Error =>
  modelFailed(
    `The model's PostgreSQL did not answer within ${limitMs / MS_PER_SECOND} s and was ended`,
    undefined,
  );
