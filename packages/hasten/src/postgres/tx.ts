/** What a transaction is to its caller, and what its parts share. */
import type { TransactionSpan } from "../core/trace/index.ts";
import type { BulkTables } from "./bulk/types.ts";
import type { Lease } from "./lease.ts";
import type { LocalLimits } from "./pooler/begin.ts";
import type { Queryable } from "./queryable.ts";
import type { TxReads } from "./read/types.ts";
import type { ReadFrom } from "./replicas/reads.ts";
import type { Surroundings } from "./session.ts";

export interface TransactionOptions {
  /** @default the server's, normally "read committed" */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /** @default false */
  readonly readOnly?: boolean;
  /** `"replica"`: with readOnly, in a database with replicas. Runs on the primary where none is fit, and when repeated. @default "primary" */
  readonly read?: ReadFrom;
  /** Longest time for the whole transaction, waiting for a connection and repeats included. @default none beyond the statements' own. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** `SET LOCAL statement_timeout`: also for statements longer than the database's. Bounds 1 to 86_400_000. */
  readonly statementTimeoutMs?: number;
  /** Further runs of the whole work after a serialization failure or deadlock; the work must be repeatable. @default 0. Bounds 0 to 10. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
}

/** What the work of a transaction is given. Usable until the work ends. */
export interface Tx extends Queryable, BulkTables, TxReads {
  /** A savepoint around `work`: an error inside undoes only what was done inside. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs after COMMIT was acknowledged and before `transaction()` resolves; not after a rollback. At most 10,000. */
  onCommit(hook: () => unknown): void;
}

/** Hooks and statements waiting in one transaction. */
export const HOOKS_MAX = 10_000;
export const QUEUED_MAX = 1_000;

export interface TransactionParts {
  /** The connection is closed after the transaction: it keeps something that others must not meet. */
  readonly retire?: (() => void) | undefined;
  readonly lease: Lease;
  readonly options: TransactionOptions;
  readonly around: Surroundings;
  /** Time for one statement where it does not say. */
  readonly defaultTimeoutMs: number;
  /** Monotonic time at which the whole must have ended; Infinity for none. */
  readonly deadlineMs: number;
  /** Set in the transaction itself, where a session cannot keep them. */
  readonly limits?: LocalLimits | undefined;
  /** Where its statements are listed; undefined outside any trace. */
  readonly span?: TransactionSpan | undefined;
}

export interface Committed<T> {
  readonly value: T;
  readonly hooks: readonly (() => unknown)[];
}

/**
 * Takes the one turn of a level: statements of a transaction run one after the other.
 * `holds`: nothing else is accepted until `run` has settled (a cursor, a COPY), where waiting for
 * it inside its own source would never end.
 */
export type InTurn = <R>(run: () => Promise<R>, holds?: string) => Promise<R>;

/** What tx.bulk, tx.stream and their like are built on. */
export interface TxPlace {
  readonly parts: TransactionParts;
  readonly inTurn: InTurn;
}
