import type { CallSite } from "../core/trace/index.ts";

export type FindingKind =
  | "n-plus-one"
  | "duplicate"
  | "serial"
  | "unbounded"
  | "select-everything"
  | "budget";

/** One diagnosed problem of a trace. Holds no value of the application's data. */
export interface TraceFinding {
  readonly kind: FindingKind;
  /** What was being done: `GET /api/orders/:id`. */
  readonly trace: string;
  /** The statement without its data; of `serial` the first, of `budget` the one asked most often. */
  readonly statement: string;
  /** Where it is asked for; undefined where the stack holds no line of the application. */
  readonly site: CallSite | undefined;
  /** How often in this trace; of `unbounded` and `select-everything` the rows. */
  readonly count: number;
  /**
   * What the fix would have saved here, in milliseconds: of `n-plus-one` the time in which any of the
   * statements was under way less the slowest of them, which stands for the one that replaces them; of
   * `duplicate` the time in which any but the first was; of `serial` the sum less the slowest; of
   * `unbounded` the share of the rows beyond the threshold. 0 where nothing measured says how much.
   */
  readonly wastedMs: number;
  /** The numbers behind it, each a sentence. */
  readonly evidence: readonly string[];
  /** What to do, in one or two sentences. */
  readonly fix: string;
  /** The same for the same problem after unrelated edits: kind, file, function and statement, no line. */
  readonly key: string;
}
