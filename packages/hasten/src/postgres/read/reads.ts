import type { Core } from "../core.ts";
import { resolveStream } from "./options.ts";
import { PortalPortions } from "./portal-portions.ts";
import { RowStream } from "./row-stream.ts";
import type { Reads } from "./types.ts";

/** What a database reads many rows with. */
export function createReads(core: Core): Reads {
  return {
    stream: <R>(statement: Parameters<Reads["stream"]>[0], options = {}) =>
      new RowStream<R>(new PortalPortions<R>(core, statement, resolveStream(core, options))),
  };
}
