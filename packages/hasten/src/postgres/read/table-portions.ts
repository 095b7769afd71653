/**
 * The portions of a table: its pages by key, one after the other.
 *
 * Invariants:
 * - A page begins right after the last row of the one before: a row that is there throughout comes
 *   exactly once, whatever is inserted or deleted meanwhile.
 * - Each page is a statement of its own: between pages there is no connection, snapshot or transaction.
 * - At most one page is ahead of the reader.
 */
import { ProblemError } from "../../core/problem.ts";
import { unjudged } from "../../core/trace/index.ts";
import type { Core } from "../core.ts";
import { optionInvalid } from "../errors.ts";
import { executeOn } from "../execute.ts";
import { encodeCursor } from "../pages/cursor.ts";
import { cursorRules, type PageRequest, pageQuery } from "../pages/keyset.ts";
import { type DriverRow, keysOf } from "../pages/page.ts";
import { bounded } from "./options.ts";
import type { Portions } from "./portions.ts";
import { tableShape } from "./table-columns.ts";
import type { TableStreamOptions } from "./table-options.ts";
import { type TablePlan, tablePlan } from "./table-spec.ts";

/** Longest wait for a page that nobody wants any more; then its connection is given up. */
const CLOSE_MS = 1_000;

interface TablePage<R> {
  readonly rows: readonly R[];
  /** The rows as they came, with their keys: `rows` and, before them, perhaps the one it began after. */
  readonly received: readonly DriverRow[];
  readonly first: number;
  readonly next: string | undefined;
}

export interface TableReading {
  readonly table: readonly string[];
  readonly options: TableStreamOptions;
  readonly timeoutMs: number;
}

export class TablePortions<R> implements Portions<R> {
  readonly #core: Core;
  readonly #reading: TableReading;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #plan: TablePlan | undefined;
  #page: TablePage<R> | undefined;
  /** Rows of the pages before the present one. */
  #before = 0;
  #ahead: Promise<TablePage<R>> | undefined;
  #isOver = false;

  constructor(core: Core, reading: TableReading) {
    const { signal, rowsPerPage = 1_000 } = reading.options;
    bounded("rowsPerPage", rowsPerPage, [1, 10_000]);
    this.#core = core;
    this.#reading = reading;
    this.#signal =
      signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  async next(): Promise<readonly R[] | undefined> {
    if (this.#isOver) return undefined;
    const page = await (this.#ahead ?? this.#read(this.#reading.options.after));
    this.#ahead = undefined;
    if (page.rows.length > 0) {
      this.#before += this.#page?.rows.length ?? 0;
      this.#page = page;
    }
    if (page.next === undefined) this.#isOver = true;
    else this.#readAhead(page.next);
    return page.rows.length === 0 ? undefined : page.rows;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined) return;
    const timer = this.#core.around.clock.schedule(CLOSE_MS, () => this.#stop.abort());
    await ahead.catch(() => undefined);
    timer.cancel();
  }

  /** Right after row number `count` of this stream. */
  positionAfter(count: number): string | undefined {
    const { after } = this.#reading.options;
    const page = this.#page;
    if (page === undefined || count <= this.#before) return after;
    const { spec, sort } = this.#plan!;
    const rules = cursorRules(spec, this.#request(sort));
    const row = page.received[page.first + count - this.#before - 1]!;
    return encodeCursor(
      { direction: "forward", keys: keysOf(row, rules.order), inclusive: false },
      rules,
    );
  }

  #readAhead(cursor: string): void {
    this.#ahead = this.#read(cursor);
    // Told when the reader comes for it.
    this.#ahead.catch(() => undefined);
  }

  async #read(cursor: string | undefined): Promise<TablePage<R>> {
    const limits = { timeoutMs: this.#reading.timeoutMs, signal: this.#signal };
    const { table, options } = this.#reading;
    const run = <T>(work: () => Promise<T>): Promise<T> => unjudged(work);
    this.#plan ??= tablePlan(
      table,
      await run(() => tableShape(this.#core, table, limits)),
      options,
    );
    const { spec, sort, fields, rename } = this.#plan;
    const query = asOption(() => pageQuery(spec, { ...this.#request(sort), fields, cursor }));
    const { rows: received } = await run(() =>
      executeOn<DriverRow>(this.#core, query, { ...limits, idempotent: true }),
    );
    const { rows, next } = query.finish(received);
    // The first row may be the one that the page begins after: that it is there needs no second look.
    const first = cursor !== undefined && query.otherSide(received) === undefined ? 1 : 0;
    return {
      rows: (rename === undefined ? rows : rows.map(rename)) as readonly R[],
      received,
      first,
      next,
    };
  }

  #request(sort: string): PageRequest {
    const { where, whereId, rowsPerPage = 1_000 } = this.#reading.options;
    return { sort, filter: where, filterId: whereId, limit: rowsPerPage };
  }
}

/** What would be a client's mistake in a page is the program's here. */
function asOption<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw optionInvalid("after", "a position of this table, order and condition", undefined);
  }
}
