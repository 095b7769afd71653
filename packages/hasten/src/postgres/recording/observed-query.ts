/**
 * A statement object of the driver that tells how far it is. A cursor that is read many times is one
 * statement: it ends when the server is ready for the next.
 */
import type { DriverQuery, QueryClass, Wire, WireMessage } from "../watch/shapes.ts";
import { collectedBy } from "./record.ts";
import type { StatementLife } from "./statement-life.ts";

interface LivingQuery extends DriverQuery {
  life: StatementLife | undefined;
}

const classes = new WeakMap<QueryClass, new (...parts: unknown[]) => LivingQuery>();

/** The driver's `Query`, with its life told. */
export function livingQuery(Base: QueryClass): new (...parts: unknown[]) => LivingQuery {
  const known = classes.get(Base);
  if (known !== undefined) return known;
  const made = class extends (Base as new (...parts: unknown[]) => DriverQuery) {
    life: StatementLife | undefined = undefined;

    override submit(wire: Wire): Error | null | undefined {
      const refused = super.submit(wire);
      if (refused == null) this.life?.sent();
      return refused;
    }

    override handleCommandComplete(message: WireMessage, wire: Wire): void {
      if (this.life !== undefined) this.life.completed = message.text ?? "";
      super.handleCommandComplete(message, wire);
    }

    override handleReadyForQuery(wire: Wire): void {
      if (this.life !== undefined) {
        this.life.answer = collectedBy(this);
        this.life.answered();
      }
      super.handleReadyForQuery(wire);
    }

    override handleError(error: unknown, wire: Wire): void {
      this.life?.failed(error);
      super.handleError(error, wire);
    }
  };
  classes.set(Base, made);
  return made;
}

/** Follows a statement object that the program made: a cursor, a query stream, a COPY. */
export function follow(query: DriverQuery, life: StatementLife): void {
  const { submit, handleCommandComplete, handleReadyForQuery, handleError, handleDataRow } = query;
  query.submit = (wire) => {
    const refused = submit.call(query, wire);
    if (refused == null) life.sent();
    return refused;
  };
  query.handleCommandComplete = (message, wire) => {
    life.completed = message.text ?? "";
    handleCommandComplete?.call(query, message, wire);
  };
  query.handleReadyForQuery = (wire) => {
    life.answered();
    handleReadyForQuery.call(query, wire);
  };
  query.handleError = (error, wire) => {
    life.failed(error);
    handleError.call(query, error, wire);
  };
  if (handleDataRow !== undefined)
    query.handleDataRow = (message) => {
      life.rows += 1;
      handleDataRow.call(query, message);
    };
}
