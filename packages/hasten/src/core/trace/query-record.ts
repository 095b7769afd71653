import type { CallSite } from "./call-site.ts";
import { isUnjudged } from "./judging.ts";
import type { QueryShape } from "./query-shape.ts";

/** `hit`: answered by a cache, the database was not asked. */
export type CacheOutcome = "none" | "hit" | "miss";

/** One statement. Times are monotonic milliseconds. */
export interface QueryRecord {
  readonly shape: QueryShape;
  readonly values: readonly unknown[] | undefined;
  /** When the application asked. */
  readonly calledMs: number;
  /** When it was sent: the difference was spent waiting for a connection. 0 while it was not. */
  sentMs: number;
  /** When its answer was complete. 0 while it is not. */
  endedMs: number;
  rows: number;
  /** Received for it from the server; 0 where nobody counted. */
  bytes: number;
  outcome: "running" | "answered" | "failed";
  cache: CacheOutcome;
  /** The transaction of this trace that it ran in: 1, 2, …; 0 outside. */
  transaction: number;
  /** Undefined where none was captured, and where the stack holds no line of the application. */
  site: CallSite | undefined;
  /** The application_name of its connection, where it is known: what belongs to a queue is not judged. */
  application: string;
  /** Its rows are handed on as they come: a cursor, a COPY. No answer is held in memory. */
  streamed: boolean;
  /** Asked for by what the application has excepted from being judged. */
  unjudged: boolean;
  /** What differs in its parameters from the same statement just before is what that one brought. */
  follows: boolean;
  /** No other statement of the trace has been asked for since. */
  isLatest: boolean;
  /** The row that it brought, if it was one, while it is the latest. */
  answer: object | undefined;
  /** What its connection had received when it was sent. */
  bytesBefore: number;
  /** What those who listen to statements made of it. */
  begun: unknown;
}

/**
 * A record of a statement. Logs are handed to monitors, which may print or send what they are given: the
 * application's data, and what listeners keep here, is left out of that.
 */
class Recorded implements QueryRecord {
  readonly shape: QueryShape;
  readonly values: readonly unknown[] | undefined;
  readonly calledMs: number;
  sentMs = 0;
  endedMs = 0;
  rows = 0;
  bytes = 0;
  outcome: QueryRecord["outcome"] = "running";
  cache: CacheOutcome = "none";
  transaction = 0;
  site: CallSite | undefined = undefined;
  application = "";
  streamed = false;
  unjudged: boolean;
  follows = false;
  isLatest = true;
  answer: object | undefined = undefined;
  bytesBefore = 0;
  begun: unknown = undefined;

  constructor(shape: QueryShape, values: readonly unknown[] | undefined, nowMs: number) {
    this.shape = shape;
    this.values = values;
    this.calledMs = nowMs;
    this.unjudged = isUnjudged();
  }

  toJSON(): object {
    const { values: _values, answer: _answer, begun: _begun, ...shown } = this;
    return shown;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return this.toJSON();
  }
}

export const newRecord = (
  shape: QueryShape,
  values: readonly unknown[] | undefined,
  nowMs: number,
): QueryRecord => new Recorded(shape, values, nowMs);
