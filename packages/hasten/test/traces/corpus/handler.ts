/**
 * What a handler of the corpus is, and what a reviewer says of it.
 *
 * The labels were written with the handlers, before any of them was judged, and without looking at the
 * rules. A label names the line that asks; where a reviewer may as well point to the loop that calls it,
 * it names both, the asking one first.
 */
import type { FindingKind, TraceKind } from "../../../src/traces/index.ts";

export type Library = "pg" | "Drizzle" | "Kysely" | "Sequelize" | "Knex" | "hasten";

export interface Problem {
  readonly kind: FindingKind;
  /** `pg/orders.ts#listOrders`, relative to the corpus. */
  readonly at: readonly string[];
}

export interface Handler {
  readonly name: string;
  /** Run in a trace of its own. */
  run(): unknown;
  /** None for a handler that is right as it is. */
  readonly problems: readonly Problem[];
  /** @default "request" */
  readonly kind?: TraceKind;
  /** So many requests, each with a trace of its own. @default 1 */
  readonly times?: number;
}

/** The handlers of one library, on a database with the tables of `schema.ts`. */
export interface Handlers {
  readonly library: Library;
  readonly handlers: readonly Handler[];
  close(): Promise<unknown>;
}

export const problem = (kind: FindingKind, ...at: readonly string[]): Problem => ({ kind, at });

export function wrong(name: string, run: () => unknown, ...problems: readonly Problem[]): Handler {
  return { name, run, problems };
}

export function right(
  name: string,
  run: () => unknown,
  more: Pick<Handler, "kind" | "times"> = {},
): Handler {
  return { name, run, problems: [], ...more };
}
