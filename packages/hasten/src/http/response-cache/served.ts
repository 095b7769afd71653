import type { ServerResponse } from "node:http";
import type { CacheMark } from "./header-block.ts";

/** Where the response cache leaves, on a response, what it did: for request timing. */
const SERVED = Symbol("hasten.served");

type Marked = ServerResponse & { [SERVED]?: CacheMark };

export function markServed(res: ServerResponse, mark: CacheMark): void {
  (res as Marked)[SERVED] = mark;
}

/** How the response cache answered, or undefined where none was asked. */
export function servedAs(res: ServerResponse): CacheMark | undefined {
  return (res as Marked)[SERVED];
}

/** The client left, or something else, a time-out for example, has answered meanwhile. */
export function isAnswered(res: ServerResponse): boolean {
  return res.destroyed || res.headersSent || res.writableEnded;
}
