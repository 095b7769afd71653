/** Logs made by hand: what a request asked, when, and from which line. */
import {
  type CallSite,
  newRecord,
  QueryLog,
  type QueryRecord,
} from "../../../src/core/trace/index.ts";
import { shapeOf } from "../../../src/postgres/recording/shape.ts";

export interface Asked extends Partial<Omit<QueryRecord, "shape" | "site" | "calledMs">> {
  readonly text: string;
  /** When it is asked for; by default when the one before it ended. */
  readonly atMs?: number;
  /** How long it takes. @default 2 */
  readonly tookMs?: number;
  /** @default 10; undefined for none captured */
  readonly line?: number | undefined;
  readonly fn?: string;
}

export const SITE: CallSite = {
  file: "/app/src/orders.ts",
  line: 10,
  column: 5,
  functionName: "listOrders",
};

/** One after the other, each as long as it says. */
export function logOf(asked: readonly Asked[]): QueryLog {
  const log = new QueryLog();
  let nowMs = 100;
  for (const { text, atMs = nowMs, tookMs = 2, fn = "listOrders", ...rest } of asked) {
    const { line, ...fields } = { line: 10, ...rest };
    const record = newRecord(shapeOf(text), fields.values, atMs);
    Object.assign(record, {
      sentMs: atMs,
      endedMs: atMs + tookMs,
      rows: 1,
      outcome: "answered",
      site: line === undefined ? undefined : { ...SITE, line, functionName: fn },
      ...fields,
    });
    log.records.push(record);
    nowMs = Math.max(nowMs, record.endedMs);
  }
  return log;
}

/** `times` of the same text, each with another parameter. */
export const loop = (times: number, over: Partial<Asked> = {}): readonly Asked[] =>
  Array.from({ length: times }, (_, n) => ({
    text: "select * from users where id = $1",
    values: [n],
    ...over,
  }));
