export {
  type CallSite,
  currentQueries,
  type QueryLog,
  type QueryRecord,
  type QueryShape,
  type QueryTotals,
  type TraceEnded,
  type TraceKind,
  type TransactionSpan,
} from "../core/trace/index.ts";
export { addToBaseline, type Baseline, readBaseline } from "./baseline.ts";
export type { Paint } from "./code-frame.ts";
export type { Allowance } from "./exempt.ts";
export type { FindContext } from "./facts.ts";
export { findIn } from "./find-in.ts";
export type { FindingKind, TraceFinding } from "./finding.ts";
export { findingText, type ShownOptions } from "./finding-text.ts";
export {
  type Load,
  type Loaded,
  type LoadKey,
  type LoadManyOptions,
  loadMany,
} from "./load-many.ts";
export type { FindingsOptions } from "./options.ts";
export { pause } from "./pause.ts";
export {
  type Environment,
  environmentOf,
  THRESHOLDS,
  type Thresholds,
  thresholdsFor,
} from "./thresholds.ts";
export { type TraceSoFar, traceSoFar } from "./trace-so-far.ts";
export { type TracedOptions, traced } from "./traced.ts";
export { type FindingsStats, type FindingsWatch, watchFindings } from "./watch-findings.ts";
