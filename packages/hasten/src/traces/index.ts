export type { FindingKind, TraceFinding } from "./finding.ts";
export type { Environment, Thresholds } from "./thresholds.ts";
