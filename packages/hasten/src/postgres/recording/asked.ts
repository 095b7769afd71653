/**
 * What a program asks of the driver, taken at the public call and carried through a pool's queue to
 * the client that sends it.
 *
 * Invariant: what is laid down is for the synchronous call below only, and is taken by the first query
 * of it.
 */
import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import {
  currentTrace,
  hasStatementHooks,
  type QueryRecord,
  type Trace,
} from "../../core/trace/index.ts";
import type { DriverQuery } from "../watch/shapes.ts";
import { recordCall } from "./record.ts";

export interface Asked {
  readonly text: string;
  readonly trace: Trace | undefined;
  readonly record: QueryRecord | undefined;
  readonly calledMs: number;
}

/** A statement of the program; undefined where nobody records and nobody listens. */
export function askedNow(clock: Clock, config: unknown, values: unknown): Asked | undefined {
  const { text, given } = partsOf(config, values);
  const record = recordCall(clock, text, given);
  if (record !== undefined)
    return { text, trace: currentTrace(), record, calledMs: record.calledMs };
  if (!channels.postgresQuery.hasSubscribers) return undefined;
  return { text, trace: currentTrace(), record: undefined, calledMs: clock.nowMs() };
}

/** The same for whoever publishes by itself. */
export function recordAsked(
  clock: Clock,
  config: unknown,
  values: unknown,
): QueryRecord | undefined {
  if (currentTrace() === undefined && !hasStatementHooks()) return undefined;
  const { text, given } = partsOf(config, values);
  return recordCall(clock, text, given);
}

interface Parts {
  readonly text: string;
  readonly given: readonly unknown[] | undefined;
}

/** Text and values of whatever `query` of the driver takes: a text, its settings, or a cursor. */
export function partsOf(config: unknown, values: unknown): Parts {
  if (typeof config === "string") return { text: config, given: listOf(values) };
  const query = (config ?? {}) as DriverQuery & { cursor?: DriverQuery };
  const { cursor } = query;
  const text = typeof query.text === "string" ? query.text : cursor?.text;
  return {
    // A prepared statement may be asked for by its name alone.
    text: typeof text === "string" ? text : named(query.name),
    given: listOf(query.values) ?? listOf(cursor?.values) ?? listOf(values),
  };
}

const named = (name: unknown): string => (typeof name === "string" ? `execute "${name}"` : "");

const listOf = (values: unknown): readonly unknown[] | undefined =>
  Array.isArray(values) ? (values as readonly unknown[]) : undefined;

/** Laid down for the call below; `undefined` in it: asked by a pool's caller, and not recorded. */
interface Laid {
  readonly asked: Asked | undefined;
}

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
