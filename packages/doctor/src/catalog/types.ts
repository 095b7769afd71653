/** What the doctor knows of the schema: names, shapes and counters, never a value of data. */
export interface Catalog {
  readonly versionNum: number;
  readonly major: number;
  readonly database: string;
  /** Whether the database's default collation sorts by bytes, so that a b-tree serves LIKE 'x%'. */
  readonly collationIsC: boolean;
  /** The effective `search_path`, in order, without the implicit pg_catalog. */
  readonly searchPath: readonly string[];
  /** Name to version, of the extensions created in this database. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Extensions that the server could create. */
  readonly available: ReadonlySet<string>;
  /** Planner settings by name, in the unit that `set` takes. */
  readonly settings: Readonly<Record<string, string>>;
  /** Tables, partitions, views and the like outside the system's schemas. */
  readonly relations: readonly Relation[];
  /** Names of tables that another session has locked; not in `relations`, nor is what reads them. */
  readonly locked?: readonly string[];
  /** Relations beyond the most that are read, the smallest. Undefined: none. */
  readonly leftOut?: number;
  /** How long the counters of this database have been counting; undefined when unknown. */
  readonly countersMs: number | undefined;
}

export interface Extension {
  readonly version: string;
  readonly schema: string;
}

export type RelationKind = "table" | "partitioned" | "view" | "materialized" | "foreign";

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  /** Oids of the tables that it inherits from or is a partition of. */
  readonly parents: readonly number[];
  readonly isPartition: boolean;
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[];
  readonly foreignKeys: readonly ForeignKey[];
  /**
   * `relpages`, `reltuples` (-1: never analysed), `relallvisible`; of a partitioned table the sums
   * of its leaf partitions.
   */
  readonly pages: number;
  readonly rows: number;
  readonly allVisiblePages: number;
  readonly fillfactor: number;
  /** Counters since `countersMs`; of a partitioned table the sum of its partitions. */
  readonly activity: Activity;
  /** Whether this role may read the rows, and so their statistics and plans. */
  readonly readable: boolean;
  /** The query of a view or materialized view. */
  readonly viewText: string | undefined;
}

export interface Activity {
  readonly seqScans: number;
  readonly seqRowsRead: number;
  readonly indexScans: number;
  readonly inserted: number;
  readonly updated: number;
  readonly hotUpdated: number;
  readonly deleted: number;
  readonly liveRows: number;
  readonly deadRows: number;
}

export interface Column {
  /** `attnum`. */
  readonly number: number;
  readonly name: string;
  /** As `format_type` writes it, for example "character varying(20)". */
  readonly type: string;
  /** Plain name of the type below domains, for example "int4", "text", "_text", "jsonb". */
  readonly baseType: string;
  /** Category letter of `pg_type.typcategory` of the base type; "E" is an enum, "A" an array. */
  readonly category: string;
  readonly notNull: boolean;
  /** Undefined: the type's default. */
  readonly collation:
    | { readonly schema: string; readonly name: string; readonly isC: boolean }
    | undefined;
  /** Undefined when the role may not read them or there are none. */
  readonly numbers: ColumnNumbers | undefined;
}

/** Of `pg_stats`, what holds no value. */
export interface ColumnNumbers {
  /** 0 to 1. */
  readonly nullShare: number;
  readonly widthBytes: number;
  /** Number of distinct values, already resolved against the row count. */
  readonly distinct: number;
  /** -1 to 1; undefined where the type has no order. */
  readonly correlation: number | undefined;
  /** Share of the most common value; undefined when there is none. */
  readonly topShare: number | undefined;
}

export interface Index {
  readonly oid: number;
  readonly name: string;
  readonly method: string;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly valid: boolean;
  readonly exclusion: boolean;
  /** Name of the constraint that it backs, if any. */
  readonly constraint: string | undefined;
  readonly replicaIdentity: boolean;
  readonly keys: readonly IndexKey[];
  readonly include: readonly string[];
  /** Of a partial index, as `pg_get_expr` writes it. */
  readonly predicate: string | undefined;
  /** `pg_get_indexdef`. */
  readonly definition: string;
  readonly pages: number;
  readonly rows: number;
  readonly bytes: number;
  readonly scans: number;
  /** Milliseconds since the last scan (PostgreSQL 16+); undefined: never or unknown. */
  readonly lastScanAgoMs: number | undefined;
  /** Index of the partitioned table that this one is a part of. */
  readonly parent: number | undefined;
}

export interface IndexKey {
  /** Either a column… */
  readonly column: string | undefined;
  /** …or an expression, as `pg_get_indexdef` writes it. */
  readonly expression: string | undefined;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
  /** Name of the operator class, without schema. */
  readonly opclass: string;
  /** Whether it is its type's default operator class. */
  readonly opclassDefault: boolean;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly references: number;
  readonly referencedColumns: readonly string[];
  readonly validated: boolean;
}
