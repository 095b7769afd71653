import type { Candidate, CandidateKey } from "../candidates/types.ts";
import type { Column, Relation } from "../catalog/types.ts";
import { BLOCK_BYTES } from "./files.ts";
import type { IndexSize } from "./types.ts";

const PAGE_USABLE = 8152;
/** A leaf is built 90 % full, an inner page 70 %. */
const LEAF_USABLE = PAGE_USABLE - Math.floor(BLOCK_BYTES * 0.1);
const INNER_USABLE = PAGE_USABLE - Math.floor(BLOCK_BYTES * 0.3);
const TUPLE_HEADER = 8;
const LINE_POINTER = 4;
const TID_BYTES = 6;
/** Largest posting list tuple of a build. */
const POSTING_MAX = 812;
const HEIGHT_MAX = 8;
const WIDTH_UNKNOWN = 32;
const EXPRESSION_WIDTH = 16;
const BRIN_PAGES_PER_RANGE = 128;

/** Bytes and alignment of types of fixed length; the others are of variable length. */
const FIXED: Readonly<Record<string, number>> = {
  bool: 1,
  char: 1,
  int2: 2,
  int4: 4,
  date: 4,
  oid: 4,
  float4: 4,
  int8: 8,
  float8: 8,
  timestamp: 8,
  timestamptz: 8,
  time: 8,
  money: 8,
  uuid: 16,
  interval: 16,
};

/** Types of which equal values may differ in their bytes, so that b-trees do not merge them. */
const NOT_MERGED = new Set(["numeric", "float4", "float8", "jsonb", "record"]);

/**
 * Size that an index would have right after it was built.
 *
 * B-tree: a tuple takes `8 + keys`, padded to 8, plus a line pointer of 4; equal keys share posting
 * lists of at most 812 bytes, 6 a row, unless there are INCLUDE columns or a type forbids it. Leaves
 * are 90 % full, inner pages 70 %, and there is one page before the tree. The number of different
 * keys is the product of the columns' own, at most the rows. GIN: rows × elements, guessed from the
 * column's width, 3 bytes each, plus 24 bytes for each different element. GiST: `12 + key` a row,
 * 70 % full. BRIN: one tuple for each 128 pages.
 *
 * Widths and counts are those of `pg_stats`; of an expression 16 bytes are assumed, and no equal
 * keys. `share` is the part of the rows that a partial index holds, 0 to 1, default 1. Within a
 * factor of two of the real size for b-trees, of four for GIN; plans hardly depend on it.
 */
export function estimateIndexSize(candidate: Candidate, relation: Relation, share = 1): IndexSize {
  const rows = Math.round(rowsOf(relation) * Math.min(1, Math.max(0, share)));
  const pages = pagesOf(candidate, relation, rows);
  return { pages, rows, bytes: pages * BLOCK_BYTES };
}

function pagesOf(candidate: Candidate, relation: Relation, rows: number): number {
  switch (candidate.method) {
    case "btree": {
      const entry = entryBytes(candidate, relation);
      return treePages(leafPages({ candidate, relation, rows, entry }), entry);
    }
    case "gin":
      return ginPages(candidate, relation, rows);
    case "gist":
      return 1 + Math.ceil((rows * (entryBytes(candidate, relation) + 4)) / (PAGE_USABLE * 0.7));
    case "brin": {
      const ranges = Math.ceil(relation.pages / BRIN_PAGES_PER_RANGE);
      const tuple = 16 + 2 * dataBytes(widths(candidate, relation));
      return 2 + Math.max(1, Math.ceil((ranges * tuple) / PAGE_USABLE));
    }
  }
}

/** Rows that the planner would assume; of a table never analysed, as many as fit its pages. */
function rowsOf(relation: Relation): number {
  if (relation.rows >= 0) return relation.rows;
  const width = dataBytes(relation.columns.map(widthOf));
  return Math.floor((relation.pages * PAGE_USABLE) / (24 + width + LINE_POINTER));
}

/** Levels of a b-tree below its root, which is what the planner charges for: 0 is a root alone. */
export function treeHeight(pages: number, entry: number): number {
  const fanOut = Math.max(2, Math.floor(INNER_USABLE / entry));
  let level = Math.max(0, pages - 1);
  let height = 0;
  // The pages of all levels are known; those of the leaves are most of them.
  level = Math.max(1, Math.round(level * (1 - 1 / fanOut)));
  while (level > 1 && height < HEIGHT_MAX) {
    level = Math.ceil(level / fanOut);
    height++;
  }
  return height;
}

/** Bytes of one inner tuple of a b-tree, line pointer included. */
export function entryBytes(
  candidate: Pick<Candidate, "keys" | "include" | "method">,
  relation: Relation,
): number {
  return align(TUPLE_HEADER + dataBytes(widths(candidate, relation))) + LINE_POINTER;
}

function treePages(leaves: number, entry: number): number {
  const fanOut = Math.max(2, Math.floor(INNER_USABLE / entry));
  let pages = 1;
  for (let level = leaves; level > 0; level = level > 1 ? Math.ceil(level / fanOut) : 0)
    pages += level;
  return pages;
}

function leafPages(input: {
  candidate: Candidate;
  relation: Relation;
  rows: number;
  entry: number;
}): number {
  const { candidate, relation, rows, entry } = input;
  const include = candidate.include.map((name) => widthOf(columnOf(name, relation)));
  const tuple = align(entry - LINE_POINTER + dataBytes(include));
  const different = include.length > 0 ? rows : distinctKeys(candidate.keys, relation, rows);
  const bytes = different * groupBytes(rows / Math.max(1, different), tuple);
  return Math.ceil(bytes / Math.max(1, LEAF_USABLE - entry));
}

/** Bytes of all tuples of one key that so many rows have. */
function groupBytes(rows: number, tuple: number): number {
  if (rows < 2) return rows * (tuple + LINE_POINTER);
  const most = Math.max(1, Math.floor((POSTING_MAX - tuple) / TID_BYTES));
  const full = Math.floor(rows / most);
  const rest = rows - full * most;
  const posting = (count: number): number => tuple + align(count * TID_BYTES) + LINE_POINTER;
  return full * posting(most) + (rest >= 2 ? posting(rest) : rest * (tuple + LINE_POINTER));
}

function distinctKeys(keys: readonly CandidateKey[], relation: Relation, rows: number): number {
  let distinct = 1;
  for (const key of keys) {
    const column = key.column === undefined ? undefined : columnOf(key.column, relation);
    if (column?.numbers === undefined || !isMerged(column)) return rows;
    const withNull = column.numbers.nullShare > 0 ? 1 : 0;
    distinct *= Math.max(1, column.numbers.distinct + withNull);
  }
  return Math.min(rows, distinct);
}

function isMerged(column: Column): boolean {
  return column.category !== "A" && column.category !== "R" && !NOT_MERGED.has(column.baseType);
}

const ELEMENT_BYTES = 3;
const DIFFERENT_BYTES = 24;

function ginPages(candidate: Candidate, relation: Relation, rows: number): number {
  let bytes = 0;
  for (const key of candidate.keys) {
    const column = key.column === undefined ? undefined : columnOf(key.column, relation);
    const elements = rows * elementsOf(key, column);
    bytes +=
      elements * ELEMENT_BYTES + Math.min(elements, Math.sqrt(elements) * 20) * DIFFERENT_BYTES;
  }
  return 2 + Math.ceil(bytes / PAGE_USABLE);
}

/** Entries that one row makes in a GIN index, guessed from the width of the value. */
function elementsOf(key: CandidateKey, column: Column | undefined): number {
  const width = column === undefined ? 64 : widthOf(column).bytes;
  if (key.opclass === "gin_trgm_ops") return width + 1;
  if (column?.baseType === "tsvector") return Math.max(1, width / 12);
  if (column?.baseType === "jsonb")
    return Math.max(1, width / (key.opclass === "jsonb_path_ops" ? 24 : 12));
  if (column?.category !== "A") return column === undefined ? 8 : 1;
  const element = FIXED[column.baseType.replace(/^_/, "")];
  return Math.max(1, (width - 24) / (element ?? 8));
}

interface Width {
  readonly bytes: number;
  readonly alignment: number;
}

function widths(candidate: Pick<Candidate, "keys">, relation: Relation): readonly Width[] {
  return candidate.keys.map((key) =>
    key.column === undefined
      ? { bytes: EXPRESSION_WIDTH, alignment: 1 }
      : widthOf(columnOf(key.column, relation)),
  );
}

function columnOf(name: string, relation: Relation): Column | undefined {
  return relation.columns.find((column) => column.name === name);
}

function widthOf(column: Column | undefined): Width {
  if (column === undefined) return { bytes: WIDTH_UNKNOWN, alignment: 1 };
  if (column.category === "E") return { bytes: 4, alignment: 4 };
  const fixed = FIXED[column.baseType];
  if (fixed === undefined)
    return { bytes: column.numbers?.widthBytes ?? WIDTH_UNKNOWN, alignment: 1 };
  const alignment = column.baseType === "uuid" ? 1 : Math.min(8, fixed);
  return { bytes: fixed, alignment };
}

function dataBytes(values: readonly Width[]): number {
  let at = 0;
  for (const { bytes, alignment } of values) at = align(at, alignment) + bytes;
  return at;
}

function align(bytes: number, to = 8): number {
  return Math.ceil(bytes / to) * to;
}
