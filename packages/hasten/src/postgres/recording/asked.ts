/**
 * What a program asks of the driver, taken at the public call and carried through a pool's queue to
 * the client that sends it.
 *
 * Invariant: what is laid down is for the synchronous call below only, and is taken by the first query
 * of it.
 */
import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import { currentTrace, hasStatementHooks, type QueryRecord } from "../../core/trace/index.ts";
import type { DriverQuery } from "../watch/shapes.ts";
import { recordCallIn } from "./record.ts";
import { StatementLife } from "./statement-life.ts";

/** A statement of the program; undefined where nobody records and nobody listens. */
export function askedNow(
  clock: Clock,
  config: unknown,
  values: unknown,
): StatementLife | undefined {
  const trace = currentTrace();
  const isHeard = channels.postgresQuery.hasSubscribers;
  if (trace === undefined && !isHeard && !hasStatementHooks()) return undefined;
  const text = textOf(config);
  const record = recordCallIn(trace, clock, text, valuesOf(config, values));
  if (record === undefined && !isHeard) return undefined;
  return new StatementLife(text, { trace, record, calledMs: record?.calledMs ?? clock.nowMs() });
}

/** The same for whoever publishes by itself. */
export function recordAsked(
  clock: Clock,
  config: unknown,
  values: unknown,
): QueryRecord | undefined {
  const trace = currentTrace();
  if (trace === undefined && !hasStatementHooks()) return undefined;
  return recordCallIn(trace, clock, textOf(config), valuesOf(config, values));
}

/** The text of whatever `query` of the driver takes: a text, its settings, or a cursor. */
export function textOf(config: unknown): string {
  if (typeof config === "string") return config;
  const query = (config ?? {}) as DriverQuery & { cursor?: DriverQuery };
  const text = typeof query.text === "string" ? query.text : query.cursor?.text;
  // A prepared statement may be asked for by its name alone.
  return typeof text === "string" ? text : named(query.name);
}

function valuesOf(config: unknown, values: unknown): readonly unknown[] | undefined {
  if (typeof config === "string") return listOf(values);
  const query = (config ?? {}) as DriverQuery & { cursor?: DriverQuery };
  return listOf(query.values) ?? listOf(query.cursor?.values) ?? listOf(values);
}

const named = (name: unknown): string => (typeof name === "string" ? `execute "${name}"` : "");

const listOf = (values: unknown): readonly unknown[] | undefined =>
  Array.isArray(values) ? (values as readonly unknown[]) : undefined;

/** Laid down for the call below; `unrecorded`: asked by a pool's caller, and nobody records it. */
export type Laid = StatementLife | "unrecorded";

let laidDown: Laid | undefined;

/** Gives what lay there before, to be laid down again when the call below has returned. */
export function layAsked(laid: Laid | undefined): Laid | undefined {
  const before = laidDown;
  laidDown = laid;
  return before;
}

export const seenAsked = (): Laid | undefined => laidDown;

export function takenAsked(): Laid | undefined {
  const laid = laidDown;
  laidDown = undefined;
  return laid;
}
