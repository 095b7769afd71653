/** What the parts of a write share. */
import type { Clock } from "../../core/clock.ts";
import type { Feed, Head } from "./feed.ts";
import type { Layout } from "./layout.ts";
import type { Line } from "./line.ts";

/** What has been done so far. */
export interface Tally {
  rows: number;
  bytes: number;
  inserted: number;
  updated: number;
  deleted: number;
}

export type ReturnedRows = readonly Readonly<Record<string, unknown>>[];

/** What one call of {@link writeSome} is to do. */
export interface Portion {
  /** Its first rows, read before the transaction began. */
  readonly head: Head;
  /** Rows it may take in all. */
  readonly rowsMax: number;
  /** Rows of one COPY. */
  readonly copyRows: number;
  readonly method: "unnest" | "copy";
  readonly tally: Tally;
  /** After each statement that took rows. */
  readonly onRows: (returned: ReturnedRows) => unknown;
}

export interface Write {
  readonly line: Line;
  readonly layout: Layout;
  readonly feed: Feed;
  readonly clock: Clock;
}
