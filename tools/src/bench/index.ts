export type { BenchGoal, BenchReport, BenchRow } from "./report.ts";
export { figure, goal, report, table } from "./report.ts";
export type { FreshProcessOptions } from "./rounds.ts";
export { alternate, freshProcess, median, row } from "./rounds.ts";
