export type { Usual } from "./baseline.ts";
export {
  collectHistory,
  type QueryHistory,
  type QueryHistoryOptions,
  type RegressionEvent,
  type StatementHistory,
} from "./history.ts";
export type { Regression } from "./regression.ts";
export type { SavedHistory } from "./saved.ts";
export type { WindowStats } from "./tally.ts";
