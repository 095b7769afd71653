import type { Core } from "../core.ts";
import { checkedTimeout } from "../core.ts";
import { optionInvalid } from "../errors.ts";

/** Rows of one read where nothing is said, and the most. */
export const ROWS_PER_READ = 1_000;
export const ROWS_PER_READ_MAX = 100_000;

/** A stream that has held its snapshot for `snapshotWarnMs`. On `hasten:postgres:session` too. */
export interface SnapshotHeld {
  readonly kind: "snapshot-held";
  readonly database: string;
  /** The statement, normalised: without values. */
  readonly statement: string;
  readonly heldMs: number;
  /** Rows that had come when it was noticed. */
  readonly rows: number;
}

/** How long one snapshot may be held. While it is, vacuum cannot remove dead rows of any table. */
export interface SnapshotOptions {
  /** A stream that holds its snapshot this long is reported, once. @default 30_000. Bounds 1 to 86_400_000. */
  readonly snapshotWarnMs?: number;
  /** A stream that holds its snapshot this long is ended with HST_PG_SNAPSHOT. @default 300_000. Bounds 1 to 86_400_000. */
  readonly snapshotMaxMs?: number;
  /** Told at `snapshotWarnMs`. What it throws becomes an uncaught exception. */
  readonly onSnapshotHeld?: (event: SnapshotHeld) => void;
}

export interface StreamOptions extends SnapshotOptions {
  /** Rows of one read. Up to twice as many are in memory. @default 1_000. Bounds 1 to 100_000. */
  readonly rowsPerRead?: number;
  /** Longest wait for one portion, a connection included for the first; time that the reader takes does not count. @default statementTimeoutMs + 1_000. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** Ends the stream at the caller's wish: HST_PG_ABORTED. */
  readonly signal?: AbortSignal;
}

export interface Limits {
  readonly warnMs: number;
  readonly maxMs: number;
  readonly onHeld: ((event: SnapshotHeld) => void) | undefined;
}

export interface ResolvedStream {
  readonly rowsPerRead: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly limits: Limits;
}

const DAY_MS = 86_400_000;

/** A whole number within its bounds. @throws HST_PG_OPTION */
export function bounded(
  name: string,
  value: number,
  [low, high]: readonly [number, number],
): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw optionInvalid(name, `an integer from ${low} to ${high}`, value);
}

export function resolveLimits({
  snapshotWarnMs = 30_000,
  snapshotMaxMs = 300_000,
  onSnapshotHeld,
}: SnapshotOptions): Limits {
  return {
    warnMs: bounded("snapshotWarnMs", snapshotWarnMs, [1, DAY_MS]),
    maxMs: bounded("snapshotMaxMs", snapshotMaxMs, [1, DAY_MS]),
    onHeld: onSnapshotHeld,
  };
}

export function resolveStream(core: Core, options: StreamOptions): ResolvedStream {
  const { rowsPerRead = ROWS_PER_READ } = options;
  return {
    rowsPerRead: bounded("rowsPerRead", rowsPerRead, [1, ROWS_PER_READ_MAX]),
    timeoutMs: checkedTimeout(options.timeoutMs, core),
    signal: options.signal,
    limits: resolveLimits(options),
  };
}
