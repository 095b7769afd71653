import type { CallSite } from "../core/trace/index.ts";

export type FindingKind = "n-plus-one" | "duplicate" | "serial" | "unbounded" | "select-everything";

/** One diagnosed problem of a trace. Holds no value of the application's data. */
export interface TraceFinding {
  readonly kind: FindingKind;
  /** What was being done: `GET /api/orders/:id`. */
  readonly trace: string;
  /** The statement without its data; of `serial` the first. */
  readonly statement: string;
  /** Where it is asked for; undefined where the stack holds no line of the application. */
  readonly site: CallSite | undefined;
  /** How often in this trace. */
  readonly count: number;
  /** What the fix would save, in milliseconds, as measured in this trace. */
  readonly wastedMs: number;
  /** The numbers behind it, each a sentence. */
  readonly evidence: readonly string[];
  /** What to do, in one or two sentences. */
  readonly fix: string;
  /** The same for the same problem after unrelated edits: kind, file, function and statement, no line. */
  readonly key: string;
}
