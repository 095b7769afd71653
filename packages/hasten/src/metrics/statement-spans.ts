/**
 * A span for each statement, for OpenTelemetry. Nothing of its packages is loaded here: a Tracer is what
 * looks like one.
 *
 * Names are those of the stable semantic conventions for database client spans (version 1.33 and
 * later): https://opentelemetry.io/docs/specs/semconv/database/postgresql/
 *
 * Invariants:
 * - A span is begun while the code that asks runs, so that it is a child of the span active there.
 * - It holds the statement without its data, and neither values nor the server's message.
 */
import {
  onStatement,
  type QueryRecord,
  type StatementEnd,
  type StatementHook,
} from "../core/trace/index.ts";

export interface StatementAttributes {
  [name: string]: string | number;
}

export interface StatementSpan {
  setAttributes(attributes: StatementAttributes): unknown;
  setStatus(status: { code: number }): unknown;
  end(atMs?: number): void;
}

/** What is used of a `Tracer`. */
export interface StatementTracer {
  startSpan(
    name: string,
    options: { readonly kind: number; readonly attributes: StatementAttributes },
  ): StatementSpan;
}

/** `SpanKind.CLIENT` and `SpanStatusCode.ERROR`. */
const CLIENT = 2;
const ERROR = 2;
const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * A span for each statement that is sent through a `Database`, or through what `observe` or a coherence
 * watches: a child of the span that is active where the statement is asked for. Answers of a cache make
 * none.
 * @returns how to end it
 */
export function traceStatements(tracer: StatementTracer): () => void {
  const hook: StatementHook = {
    called: (record) => begun(tracer, record),
    ended: (span, record, end) => finish(span as StatementSpan, record, end),
  };
  return onStatement(hook);
}

function begun(tracer: StatementTracer, { shape }: QueryRecord): StatementSpan {
  const { statement, kind, model } = shape;
  const operation = kind.toUpperCase();
  const attributes: StatementAttributes = {
    "db.system.name": "postgresql",
    "db.query.text": statement,
    "db.operation.name": operation,
  };
  if (model !== "") attributes["db.collection.name"] = model;
  const name = model === "" ? operation : `${operation} ${model}`;
  return tracer.startSpan(name, { kind: CLIENT, attributes });
}

function finish(span: StatementSpan, record: QueryRecord, { database, error }: StatementEnd): void {
  const attributes: StatementAttributes = {};
  if (database !== "") attributes["db.namespace"] = database;
  if (error === undefined && record.shape.role === "read")
    attributes["db.response.returned_rows"] = record.rows;
  if (record.sentMs !== 0) attributes["hasten.wait_ms"] = record.sentMs - record.calledMs;
  if (record.transaction !== 0) attributes["hasten.transaction"] = record.transaction;
  if (error !== undefined) {
    const type = typeOf(error);
    attributes["error.type"] = type;
    if (SQLSTATE.test(type)) attributes["db.response.status_code"] = type;
    span.setStatus({ code: ERROR });
  }
  span.setAttributes(attributes);
  span.end();
}

/** The SQLSTATE, or the code or class of what went wrong on the way. */
function typeOf(error: unknown): string {
  const { code, sqlstate, name } = (error ?? {}) as Record<string, unknown>;
  if (typeof sqlstate === "string") return sqlstate;
  if (typeof code === "string") return code;
  return typeof name === "string" ? name : "_OTHER";
}
