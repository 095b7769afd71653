import type { ColumnNumbers, Index, Relation, RelationKind } from "./types.ts";

/** Rows as the queries give them; numbers are float8, so that no driver turns them to text. */
export interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly partition: boolean;
  readonly pages: number;
  readonly rows: number;
  readonly all_visible: number;
  readonly fillfactor: number | null;
  readonly readable: boolean;
  readonly parents: readonly number[];
  readonly seq_scan: number;
  readonly seq_read: number;
  readonly idx_scan: number;
  readonly inserted: number;
  readonly updated: number;
  readonly hot: number;
  readonly deleted: number;
  readonly live: number;
  readonly dead: number;
  readonly total: number;
}

export interface ColumnRow {
  readonly relation: number;
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly base: string | null;
  readonly category: string | null;
  readonly not_null: boolean;
  readonly collation_schema: string | null;
  readonly collation_name: string | null;
  readonly collation_is_c: boolean;
}

export interface NumbersRow {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly inherited: boolean;
  readonly null_share: number;
  readonly width: number;
  readonly distinct: number;
  readonly correlation: number | null;
  readonly top_share: number | null;
}

export interface IndexRow {
  readonly relation: number;
  readonly oid: number;
  readonly name: string;
  readonly method: string;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly valid: boolean;
  readonly exclusion: boolean;
  readonly replident: boolean;
  readonly constraint: string | null;
  readonly predicate: string | null;
  readonly definition: string;
  readonly pages: number;
  readonly rows: number;
  readonly bytes: number;
  readonly scans: number;
  readonly last_scan: number | null;
  readonly parent: number | null;
  readonly keys: readonly KeyRow[] | null;
  readonly include: readonly string[];
}

export interface KeyRow {
  readonly column: string | null;
  readonly expression: string | null;
  readonly option: number | null;
  readonly opclass: string | null;
  readonly default: boolean | null;
}

export interface ForeignKeyRow {
  readonly relation: number;
  readonly name: string;
  readonly references: number;
  readonly validated: boolean;
  readonly columns: readonly string[] | null;
  readonly referenced: readonly string[] | null;
}

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: "table",
  p: "partitioned",
  v: "view",
  m: "materialized",
  f: "foreign",
};

const DEFAULT_FILLFACTOR = 100;

/** A relation without what other queries bring. */
export type BareRelation = Omit<Relation, "columns" | "indexes" | "foreignKeys" | "viewText">;

export function relationFrom(row: RelationRow): BareRelation {
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: KINDS[row.kind] ?? "table",
    parents: row.parents,
    isPartition: row.partition,
    pages: Math.max(0, row.pages),
    rows: row.rows,
    allVisiblePages: row.all_visible,
    fillfactor: row.fillfactor ?? DEFAULT_FILLFACTOR,
    readable: row.readable,
    activity: {
      seqScans: row.seq_scan,
      seqRowsRead: row.seq_read,
      indexScans: row.idx_scan,
      inserted: row.inserted,
      updated: row.updated,
      hotUpdated: row.hot,
      deleted: row.deleted,
      liveRows: row.live,
      deadRows: row.dead,
    },
  };
}

export function numbersFrom(row: NumbersRow, relationRows: number): ColumnNumbers {
  const rows = Math.max(0, relationRows);
  return {
    nullShare: row.null_share,
    widthBytes: row.width,
    distinct: row.distinct < 0 ? Math.round(-row.distinct * rows) : row.distinct,
    correlation: row.correlation ?? undefined,
    topShare: row.top_share ?? undefined,
  };
}

export function indexFrom(row: IndexRow): Index {
  return {
    oid: row.oid,
    name: row.name,
    method: row.method,
    unique: row.unique,
    primary: row.primary,
    valid: row.valid,
    exclusion: row.exclusion,
    constraint: row.constraint ?? undefined,
    replicaIdentity: row.replident,
    keys: (row.keys ?? []).map((key) => ({
      column: key.column ?? undefined,
      expression: key.expression ?? undefined,
      descending: ((key.option ?? 0) & 1) !== 0,
      nullsFirst: ((key.option ?? 0) & 2) !== 0,
      opclass: key.opclass ?? "",
      opclassDefault: key.default ?? true,
    })),
    include: row.include,
    predicate: row.predicate ?? undefined,
    definition: row.definition,
    pages: row.pages,
    rows: row.rows,
    bytes: row.bytes,
    scans: row.scans,
    lastScanAgoMs: row.last_scan ?? undefined,
    parent: row.parent ?? undefined,
  };
}
