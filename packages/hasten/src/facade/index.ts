export { type HastenStatus, type OpenParts, openParts } from "./open.ts";
export type { HastenOptions } from "./options.ts";
export type { PoolsOptions, PoolWatch, PoolWatchOptions, WatchedPool } from "./pools.ts";
export { onStopSignal } from "./signals.ts";
