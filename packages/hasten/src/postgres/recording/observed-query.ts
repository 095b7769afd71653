/**
 * A statement object of the driver that tells how far it is. A cursor that is read many times is one
 * statement: it ends when the server is ready for the next.
 */
import type { DriverQuery, QueryClass, Wire, WireMessage } from "../watch/shapes.ts";

/** What a statement object tells. */
export interface Life {
  sent(): void;
  /** `rows`: those that came by while it was read; what the server counts is in `completed`. */
  ended(end: { readonly completed: string; readonly rows: number; readonly error?: unknown }): void;
}

interface LivingQuery extends DriverQuery {
  life: Life | undefined;
}

const classes = new WeakMap<QueryClass, new (...parts: unknown[]) => LivingQuery>();

/** The driver's `Query`, with its life told. */
export function livingQuery(Base: QueryClass): new (...parts: unknown[]) => LivingQuery {
  const known = classes.get(Base);
  if (known !== undefined) return known;
  const made = class extends (Base as new (...parts: unknown[]) => DriverQuery) {
    life: Life | undefined = undefined;
    #completed = "";

    override submit(wire: Wire): Error | null | undefined {
      const refused = super.submit(wire);
      if (refused == null) this.life?.sent();
      return refused;
    }

    override handleCommandComplete(message: WireMessage, wire: Wire): void {
      this.#completed = message.text ?? "";
      super.handleCommandComplete(message, wire);
    }

    override handleReadyForQuery(wire: Wire): void {
      this.life?.ended({ completed: this.#completed, rows: 0 });
      super.handleReadyForQuery(wire);
    }

    override handleError(error: unknown, wire: Wire): void {
      this.life?.ended({ completed: this.#completed, rows: 0, error: error ?? UNKNOWN });
      super.handleError(error, wire);
    }
  };
  classes.set(Base, made);
  return made;
}

const UNKNOWN: Error = new Error("failed");

/** Follows a statement object that the program made: a cursor, a query stream, a COPY. */
export function follow(query: DriverQuery, life: Life): void {
  const { submit, handleCommandComplete, handleReadyForQuery, handleError, handleDataRow } = query;
  let completed = "";
  let rows = 0;
  query.submit = (wire) => {
    const refused = submit.call(query, wire);
    if (refused == null) life.sent();
    return refused;
  };
  query.handleCommandComplete = (message, wire) => {
    completed = message.text ?? "";
    handleCommandComplete?.call(query, message, wire);
  };
  query.handleReadyForQuery = (wire) => {
    life.ended({ completed, rows });
    handleReadyForQuery.call(query, wire);
  };
  query.handleError = (error, wire) => {
    life.ended({ completed, rows, error: error ?? UNKNOWN });
    handleError.call(query, error, wire);
  };
  if (handleDataRow !== undefined)
    query.handleDataRow = (message) => {
      rows += 1;
      handleDataRow.call(query, message);
    };
}

/** `SELECT 3`, `INSERT 0 3`, `COPY 3`: 3. */
export const rowsOf = (completed: string): number => Number(/\d+$/.exec(completed)?.[0] ?? 0);
