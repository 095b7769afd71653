import type { Core } from "../core.ts";
import type { Statement } from "../sql.ts";
import { BatchPortions } from "./batch-portions.ts";
import { CopyOut } from "./copy-out.ts";
import { resolveStream } from "./options.ts";
import { PortalPortions } from "./portal-portions.ts";
import { RowStream } from "./row-stream.ts";
import { streamTableOn } from "./table-stream.ts";
import type { Reads } from "./types.ts";

/** What a database reads many rows with. */
export function createReads(core: Core): Reads {
  return {
    stream: <R>(statement: Statement, options = {}) =>
      new RowStream<R>(new PortalPortions<R>(core, statement, resolveStream(core, options))),
    streamTable: (table, options = {}) => streamTableOn(core, table, options),
    batchQuery: <S, R>(
      items: Iterable<S> | AsyncIterable<S>,
      build: (item: S) => Statement,
      options = {},
    ) => new RowStream<readonly R[]>(new BatchPortions<S, R>(core, { items, build }, options)),
    copyOut: (source, options = {}) => new CopyOut(core, source, options),
  };
}
