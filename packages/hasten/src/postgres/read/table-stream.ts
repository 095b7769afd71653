import { type Core, checkedTimeout } from "../core.ts";
import { RowStream } from "./row-stream.ts";
import type { TableRows, TableStreamOptions } from "./table-options.ts";
import { TablePortions } from "./table-portions.ts";

class TableStream<R> extends RowStream<R> implements TableRows<R> {
  readonly #pages: TablePortions<R>;

  constructor(pages: TablePortions<R>) {
    super(pages);
    this.#pages = pages;
  }

  get position(): string | undefined {
    return this.#pages.positionAfter(this.rowCount);
  }
}

/** The rows of a table in an order, page by page. */
export function streamTableOn<R>(
  core: Core,
  table: string | readonly string[],
  options: TableStreamOptions,
): TableRows<R> {
  return new TableStream<R>(
    new TablePortions<R>(core, {
      table: typeof table === "string" ? [table] : table,
      options,
      timeoutMs: checkedTimeout(options.timeoutMs, core),
    }),
  );
}
