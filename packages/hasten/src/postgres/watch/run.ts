import type { QueryRecord, Trace } from "../../core/trace/index.ts";
import type { Trust } from "../../core/trust.ts";
import type { ChangeSource } from "../coherence/source.ts";
import type { Analysis, Analyzer, SessionFacts } from "../statements/analysis.ts";

/** Whose work a call is, taken at the public call and carried to where it is sent. */
export interface Ticket {
  readonly trace: Trace | undefined;
  /** No trace, and not said to be untraced. */
  readonly adrift: boolean;
  /** Made at the public call, where it is recorded. */
  readonly record: QueryRecord | undefined;
  /** Set when the server answered: until then the caller is not told. */
  wait: Promise<void> | undefined;
}

/** `refused`: the server said no. `lost`: nobody knows what became of it. `unsent`: it never left. */
export type Outcome = "running" | "answered" | "refused" | "lost" | "unsent";

/** One statement on its way through a watched connection. */
export interface Run {
  readonly text: string;
  /** As they were when it was sent. */
  values: readonly unknown[];
  readonly name: string | undefined;
  /** Its text is what was sent under this name before. */
  readonly byName: boolean;
  readonly trace: Trace | undefined;
  readonly adrift: boolean;
  readonly record: QueryRecord | undefined;
  /** The pool's own callback is told at once, and the pool's caller waits. */
  readonly ticket: Ticket | undefined;
  /** Why its text is not known. */
  unknownText: string | undefined;
  /** As of the call, before anything was sent. */
  readonly source: ChangeSource;
  readonly trust: Trust | undefined;
  readonly analyzer: Analyzer;
  /** What it was looked up under. */
  session: SessionFacts;
  readonly calledMs: number;
  readonly calledSeq: number;
  analysis: Analysis | undefined;
  /** Understood only after it was sent. */
  late: boolean;
  pending: Promise<Analysis> | undefined;
  sent: boolean;
  finished: boolean;
  outcome: Outcome;
  /** The transaction status after it: I, T or E. */
  status: string | undefined;
  /** The server said COMMIT, perhaps among other things. */
  committed: boolean;
  /** Of a cursor: the server counts the last portion only. */
  rows: number;
  /** Its rows, where the driver collects them. */
  answer: unknown;
  /** What it failed with. */
  error: unknown;
  /** What the server said of it last: `SELECT 3`. */
  completed: string;
  /** How far a replica had replayed before it, if that was asked. */
  replayed: string | undefined;
  /** What the session that ran it showed, if it was asked in the same transaction. */
  met: string | undefined;
  onFinished: (() => void) | undefined;
  /** Until then its caller is not told. */
  wait: Promise<void> | undefined;
}
