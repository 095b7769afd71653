/**
 * A statement object of the driver that tells its connection how far it is.
 *
 * Invariants:
 * - Its caller (callback, promise, `end` event) is told only once `run.wait` is over.
 * - A foreign statement object (a cursor) is never kept from answering an error: the protocol may
 *   need its answer before the server goes on.
 */
import { collectedBy } from "../recording/record.ts";
import type { Connection } from "./connection.ts";
import { mayAsk, SHOWS_SQL } from "./pooled.ts";
import type { Run } from "./run.ts";
import type { DriverQuery, QueryClass, Wire, WireMessage } from "./shapes.ts";

/** What a statement object tells. */
export interface Follower {
  readonly connection: Connection;
  /** Undefined for what hasten asks itself. */
  readonly run: Run | undefined;
  readonly ended: (run: Run) => void;
}

export interface FollowedQuery extends DriverQuery {
  follower: Follower | undefined;
}

const classes = new WeakMap<QueryClass, new (...parts: unknown[]) => FollowedQuery>();

/** The driver's `Query` with its life followed. */
export function followedQuery(Base: QueryClass): new (...parts: unknown[]) => FollowedQuery {
  const known = classes.get(Base);
  if (known !== undefined) return known;
  const made = class extends (Base as new (...parts: unknown[]) => DriverQuery) {
    follower: Follower | undefined = undefined;
    /** The session that runs it is asked first; its answer is not this statement's. */
    #asking = false;

    override submit(wire: Wire): Error | null | undefined {
      const run = this.follower?.run;
      const asks = run !== undefined && this.follower!.connection.state.pooler.found && mayAsk(run);
      if (asks) {
        this.#asking = true;
        this.queryMode = "extended";
      }
      const refused = super.submit(wire);
      if (refused == null) this.follower?.connection.sent(this.follower.run, valuesOf(this));
      return refused;
    }

    override prepare(wire: Wire): void {
      // In one transaction with the statement: nothing is synchronised in between.
      if (this.#asking) {
        wire.parse({ text: SHOWS_SQL });
        wire.bind({});
        wire.execute({});
      }
      super.prepare!(wire);
    }

    override handleDataRow(message: unknown): void {
      if (!this.#asking) {
        super.handleDataRow!(message);
        return;
      }
      const [shows] = (message as { fields: readonly unknown[] }).fields;
      this.follower!.run!.met = String(shows);
    }

    override handleCommandComplete(message: WireMessage, wire: Wire): void {
      if (this.#asking) {
        this.#asking = false;
        return;
      }
      completed(this.follower, message);
      super.handleCommandComplete(message, wire);
    }

    override handleReadyForQuery(wire: Wire): void {
      if (this.follower?.run !== undefined) this.follower.run.answer = collectedBy(this);
      const wait = answered(this.follower);
      if (wait === undefined) super.handleReadyForQuery(wire);
      else void wait.then(() => super.handleReadyForQuery(wire)).catch(uncaught);
    }

    override handleError(error: unknown, wire: Wire): void {
      // What was asked before it was parsed, which the driver took for this one.
      if (this.follower?.run?.met !== undefined && typeof this.name === "string")
        delete wire?.parsedStatements?.[this.name];
      const wait = failed(this.follower, error);
      if (wait === undefined) super.handleError(error, wire);
      else void wait.then(() => super.handleError(error, wire)).catch(uncaught);
    }
  };
  classes.set(Base, made);
  return made;
}

/** Cursors and query streams keep them on themselves or on what they wrap. */
export function valuesOf(query: DriverQuery): readonly unknown[] | undefined {
  const values = Array.isArray(query.values)
    ? query.values
    : (query as { cursor?: DriverQuery }).cursor?.values;
  return Array.isArray(values) ? (values as unknown[]) : undefined;
}

/** Follows a statement object that the program made. Events reach it in the caller's context. */
export function followForeign(
  query: DriverQuery,
  follower: Follower,
  { inContext, mayWait }: { inContext: <T>(work: () => T) => T; mayWait: boolean },
): void {
  const { submit, handleCommandComplete, handleReadyForQuery, handleError, handleDataRow } = query;
  query.submit = (wire) => {
    const refused = submit.call(query, wire);
    if (refused == null) follower.connection.sent(follower.run, valuesOf(query));
    return refused;
  };
  query.handleCommandComplete = (message, wire) => {
    completed(follower, message);
    inContext(() => handleCommandComplete?.call(query, message, wire));
  };
  query.handleReadyForQuery = (wire) => {
    const wait = answered(follower);
    const tell = (): void => inContext(() => handleReadyForQuery.call(query, wire));
    if (wait === undefined) tell();
    else void wait.then(tell).catch(uncaught);
  };
  query.handleError = (error, wire) => {
    const wait = failed(follower, error);
    const tell = (): void => inContext(() => handleError.call(query, error, wire));
    if (wait === undefined || !mayWait) tell();
    else void wait.then(tell).catch(uncaught);
  };
  if (handleDataRow !== undefined)
    query.handleDataRow = (message) => {
      if (follower.run !== undefined) follower.run.rows += 1;
      inContext(() => handleDataRow.call(query, message));
    };
}

function completed(follower: Follower | undefined, { text }: WireMessage): void {
  const run = follower?.run;
  if (run === undefined || text === undefined) return;
  if (text === "COMMIT" || text === "COMMIT PREPARED") run.committed = true;
  run.completed = text;
}

/** What a callback throws is an uncaught exception, as it is without a wait. */
export function uncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** The server is ready: `Connection.ready` was called before. Gives what the caller waits for. */
function answered(follower: Follower | undefined): Promise<void> | undefined {
  const run = follower?.run;
  if (follower === undefined || run === undefined) return undefined;
  follower.ended(run);
  return handedOver(run);
}

function failed(follower: Follower | undefined, error: unknown): Promise<void> | undefined {
  const run = follower?.run;
  if (follower === undefined || run === undefined || run.finished) return undefined;
  run.error = error;
  if (run.outcome === "running")
    run.outcome = isServers(error) ? "refused" : run.sent ? "lost" : "unsent";
  follower.ended(run);
  if (run.outcome === "refused" && run.sent) {
    if (!partMayStand(run)) return undefined;
    return follower.connection.finished(run).then(() => handedOver(run));
  }
  follower.connection.finish(run);
  return handedOver(run);
}

/** The pool is told at once, so that the connection is free; its caller waits by the ticket. */
function handedOver(run: Run): Promise<void> | undefined {
  if (run.ticket === undefined) return run.wait;
  run.ticket.wait = run.wait;
  return undefined;
}

/** Of several statements, or a procedure, some may be committed though one was refused. */
function partMayStand({ analysis }: Run): boolean {
  return analysis === undefined || (analysis.kind === "opaque" && analysis.mayWrite);
}

/** Said of the statement, not of a connection that is being closed. */
function isServers(error: unknown): boolean {
  const { severity, code } = (error ?? {}) as { severity?: unknown; code?: unknown };
  return typeof severity === "string" && typeof code === "string" && !/^(57P|08)/.test(code);
}
