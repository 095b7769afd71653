export { goal, report, table } from "./report.ts";
export type { BenchGoal, BenchReport, BenchRow } from "./results.ts";
export { figure } from "./results.ts";
export type { FreshProcessOptions } from "./rounds.ts";
export { alternate, freshProcess, median, row } from "./rounds.ts";
