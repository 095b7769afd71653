import { btree, type Idea } from "./idea.ts";
import { columnOf, type Table } from "./table.ts";
import type { Scan } from "./types.ts";

/** Payload columns and their bytes at most: beyond, the index becomes a copy of the table. */
export const INCLUDE_MAX = 4;
export const INCLUDE_BYTES_MAX = 64;
/** Pages of the table that must be known all-visible: rows of others are visited anyway. */
export const VISIBLE_SHARE_MIN = 0.8;
/** Updates since the counters' reset, by row: updating a payload column is never HOT. */
export const UPDATED_SHARE_MAX = 0.1;

/** Numbers, booleans, dates and times, intervals, enums, addresses. */
const FIXED: ReadonlySet<string> = new Set(["N", "B", "D", "T", "E", "I"]);
const CHARS_MAX = 255;

/** Indexes that hold all that the scan reads. */
export function coveringIdeas(
  { columns }: Scan,
  main: readonly Idea[],
  table: Table,
): readonly Idea[] {
  if (columns === undefined || !isStill(table)) return [];
  return main.flatMap((idea) => {
    const keys = new Set(idea.keys.map((key) => key.column));
    const include = columns.filter((column) => !keys.has(column)).sort();
    const bytes = include.map(
      (column) => columnOf(table, column)?.numbers?.widthBytes ?? Number.POSITIVE_INFINITY,
    );
    const width = bytes.reduce((sum, each) => sum + each, 0);
    if (!include.every((column) => isBounded(column, table))) return [];
    if (include.length === 0 || include.length > INCLUDE_MAX || width > INCLUDE_BYTES_MAX)
      return [];
    return btree({ ...idea, include, reasons: [...idea.reasons, "covering"], promise: 0.75 }) ?? [];
  });
}

/** Rows whose index entry would exceed a third of a page are refused, whatever the mean width is. */
function isBounded(name: string, table: Table): boolean {
  const column = columnOf(table, name);
  if (column === undefined) return false;
  const limit = Number(/^character(?: varying)?\((\d+)\)$/.exec(column.type)?.[1]);
  return FIXED.has(column.category) || column.baseType === "uuid" || limit <= CHARS_MAX;
}

function isStill({ relation }: Table): boolean {
  const { pages, allVisiblePages, rows, activity } = relation;
  return (
    allVisiblePages / Math.max(1, pages) > VISIBLE_SHARE_MIN &&
    activity.updated / Math.max(1, rows) < UPDATED_SHARE_MAX
  );
}
