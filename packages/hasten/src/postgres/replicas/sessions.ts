/**
 * Whose reads belong together: an explicit session, else the request or job, else the process.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { currentTrace, type Trace } from "../../core/trace/index.ts";
import { formatPosition, parsePosition } from "./position.ts";
import type { PrimaryLog } from "./primary-log.ts";
import { Reader } from "./reader.ts";

/** Reads and writes that belong together: reads see the writes, and never go back in time. */
export interface Session {
  /** Runs `work`, and what it starts, in this session. */
  run<T>(work: () => T): T;
  /** Something was written past this database, by an ORM on `db.pool`: reads must show that too. */
  wrote(): void;
  /**
   * What a later session must be given as `after` to see everything that this one has written and
   * seen: a position in the log, no secret, at most 17 characters, fit for a header or cookie.
   * @throws HST_PG_UNAVAILABLE, HST_PG_ACQUIRE_TIMEOUT or HST_PG_TIMEOUT when the primary does not answer
   */
  token(): Promise<string>;
}

export interface SessionOptions {
  /** A token from `token()`. What is not one is taken for none: it may come from anybody. */
  readonly after?: string | undefined;
}

export class Sessions {
  readonly #primary: PrimaryLog;
  readonly #storage = new AsyncLocalStorage<Reader>();
  readonly #ofTraces = new WeakMap<Trace, Reader>();
  readonly #ofProcess = new Reader();

  constructor(primary: PrimaryLog) {
    this.#primary = primary;
  }

  current(): Reader {
    const explicit = this.#storage.getStore();
    if (explicit !== undefined) return explicit;
    const trace = currentTrace()?.root;
    if (trace === undefined) return this.#ofProcess;
    let reader = this.#ofTraces.get(trace);
    if (reader === undefined) {
      reader = new Reader();
      this.#ofTraces.set(trace, reader);
    }
    return reader;
  }

  open({ after }: SessionOptions): Session {
    return this.#sessionOf(new Reader(parsePosition(after)));
  }

  /** The one that the running code is in. */
  now(): Session {
    return this.#sessionOf(this.current());
  }

  #sessionOf(reader: Reader): Session {
    return {
      run: (work) => this.#storage.run(reader, work),
      wrote: () => {
        reader.usedPrimary();
        this.#primary.want();
      },
      token: async () => {
        const { samples } = this.#primary;
        let position = reader.position(samples);
        if (position === undefined) {
          await this.#primary.ask();
          position = reader.position(samples);
        }
        return formatPosition(position ?? 0n);
      },
    };
  }
}
