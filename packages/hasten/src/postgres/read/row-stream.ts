/**
 * Rows of portions, one by one or portion by portion.
 *
 * Invariants:
 * - Nothing is asked for before the first `next()`, so a stream that is never read holds nothing.
 * - However it ends (the last row, an error, `break`, `return()`, `throw()`), its source is closed before
 *   the iteration is told.
 * - Calls of `next()` that do not wait for each other are answered in their order.
 */
import type { Portions } from "./portions.ts";

/** Rows that arrive in portions. Iterate it once, by row or by `batches()`. */
export interface Rows<R> extends AsyncIterableIterator<R, undefined, undefined>, AsyncDisposable {
  /** Portions instead of rows: what is left of the present one first. */
  batches(): AsyncIterableIterator<readonly R[], undefined, undefined> & AsyncDisposable;
  /** Rows handed out so far. */
  readonly rowCount: number;
  /** Ends it early: what `break` does. */
  return(): Promise<IteratorResult<R, undefined>>;
}

type Step<T> = IteratorResult<T, undefined>;
const DONE: Step<never> = { done: true, value: undefined };
const NO_ROWS: readonly never[] = [];

export class RowStream<R> implements Rows<R> {
  readonly #portions: Portions<R>;
  #rows: readonly R[] = NO_ROWS;
  #at = 0;
  #before = 0;
  #pulling: Promise<boolean> | undefined;
  #ended = false;

  constructor(portions: Portions<R>) {
    this.#portions = portions;
  }

  get rowCount(): number {
    return this.#before + this.#at;
  }

  next(): Promise<Step<R>> {
    if (this.#at < this.#rows.length && this.#pulling === undefined)
      return Promise.resolve({ done: false, value: this.#rows[this.#at++]! });
    return this.#later(() => this.next());
  }

  async return(): Promise<Step<R>> {
    this.#end();
    await this.#portions.close();
    return DONE;
  }

  async throw(error?: unknown): Promise<Step<R>> {
    await this.return();
    throw error;
  }

  batches(): AsyncIterableIterator<readonly R[], undefined, undefined> & AsyncDisposable {
    const next = (): Promise<Step<readonly R[]>> => {
      if (this.#at >= this.#rows.length || this.#pulling !== undefined) return this.#later(next);
      const rows = this.#at === 0 ? this.#rows : this.#rows.slice(this.#at);
      this.#at = this.#rows.length;
      return Promise.resolve({ done: false, value: rows });
    };
    const end = async (): Promise<Step<readonly R[]>> => {
      await this.return();
      return DONE;
    };
    const batches = {
      next,
      return: end,
      async throw(error?: unknown): Promise<Step<readonly R[]>> {
        await end();
        throw error;
      },
      [Symbol.asyncIterator]: () => batches,
      [Symbol.asyncDispose]: async () => void (await end()),
    };
    return batches;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #later<T>(again: () => Promise<Step<T>>): Promise<Step<T>> {
    if (this.#ended) return Promise.resolve(DONE);
    this.#pulling ??= this.#pull();
    return this.#pulling.then((more) => (more ? again() : DONE));
  }

  async #pull(): Promise<boolean> {
    try {
      const rows = await this.#portions.next();
      if (rows !== undefined && !this.#ended) {
        this.#before += this.#rows.length;
        this.#rows = rows;
        this.#at = 0;
        return true;
      }
    } catch (error) {
      const asked = !this.#ended;
      this.#end();
      await this.#portions.close();
      if (asked) throw error;
    } finally {
      this.#pulling = undefined;
    }
    this.#end();
    await this.#portions.close();
    return false;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#before += this.#at;
    this.#rows = NO_ROWS;
    this.#at = 0;
  }
}
