import type {
  Activity,
  Catalog,
  Column,
  ForeignKey,
  Index,
  IndexKey,
  Relation,
  RelationKind,
} from "../catalog/types.ts";

/** A table of a hand-made catalog; every field but `columns` has a default. */
export interface TableSpec {
  /** Column name to base type ("int4", "text", "_text", "jsonb" …; "not null" may follow), or facts. */
  readonly columns: Readonly<Record<string, string | ColumnSpec>>;
  /** Default 100,000. */
  readonly rows?: number;
  /** Default 50 rows a page. */
  readonly pages?: number;
  /** Default: none of the pages. */
  readonly allVisiblePages?: number;
  /** Key lists such as "user_id, created_at desc" (plain b-trees), or facts. */
  readonly indexes?: readonly (string | IndexSpec)[];
  /** Key columns of the primary key. */
  readonly primary?: string;
  /** Default "table", or "view" with `view`. */
  readonly kind?: RelationKind;
  readonly view?: string;
  /** Names in the same catalog, declared earlier. */
  readonly parents?: readonly string[];
  readonly partition?: boolean;
  /** Column to the table (declared earlier) whose column `id` it references. */
  readonly references?: Readonly<Record<string, string>>;
  readonly activity?: Partial<Activity>;
  readonly readable?: boolean;
}

export interface ColumnSpec {
  readonly type: string;
  readonly notNull?: boolean;
  /** Default: a tenth of the rows, at least 1. */
  readonly distinct?: number;
  readonly nullShare?: number;
  readonly widthBytes?: number;
  readonly correlation?: number;
  readonly topShare?: number;
  readonly collationIsC?: boolean;
}

export interface IndexSpec extends Partial<Omit<Index, "keys">> {
  readonly keys: string;
}

const FIRST_OID = 16_384;
const OIDS_PER_TABLE = 1_000;

/**
 * A catalog for tests. Tables are named "orders" (schema public) or "Bar.Foo"; their oids follow
 * the order of declaration, a thousand apart, the first 16384.
 */
export function catalogOf(
  tables: Readonly<Record<string, TableSpec>>,
  facts: Partial<Catalog> = {},
): Catalog {
  const oids = new Map(
    Object.keys(tables).map((name, at) => [name, FIRST_OID + at * OIDS_PER_TABLE]),
  );
  return {
    versionNum: 180_004,
    major: 18,
    database: "shop",
    collationIsC: false,
    searchPath: ["public"],
    extensions: new Map(),
    available: new Set(["pg_trgm", "btree_gin"]),
    settings: {},
    countersMs: undefined,
    ...facts,
    relations: Object.entries(tables).map(([name, spec]) => relationOf(name, spec, oids)),
  };
}

/** The relation of that name ("orders", "Bar.Foo"). */
export function relationNamed(catalog: Catalog, name: string): Relation {
  const { schema, plain } = nameParts(name);
  const found = catalog.relations.find((each) => each.schema === schema && each.name === plain);
  if (found === undefined) throw new Error(`no relation ${name} in the test's catalog`);
  return found;
}

function nameParts(name: string): { schema: string; plain: string } {
  const dot = name.indexOf(".");
  return dot < 0
    ? { schema: "public", plain: name }
    : { schema: name.slice(0, dot), plain: name.slice(dot + 1) };
}

function relationOf(name: string, spec: TableSpec, oids: ReadonlyMap<string, number>): Relation {
  const { schema, plain } = nameParts(name);
  const oid = oids.get(name) ?? 0;
  const rows = spec.rows ?? 100_000;
  const primary = spec.primary === undefined ? [] : [primaryOf(plain, spec.primary)];
  const pages = spec.pages ?? Math.max(1, Math.ceil(rows / 50));
  return {
    oid,
    schema,
    name: plain,
    kind: spec.kind ?? (spec.view === undefined ? "table" : "view"),
    parents: (spec.parents ?? []).map((parent) => oids.get(parent) ?? 0),
    isPartition: spec.partition ?? false,
    columns: Object.entries(spec.columns).map(([column, facts], at) =>
      columnOf({ column, facts, number: at + 1, rows }),
    ),
    indexes: [...primary, ...(spec.indexes ?? [])].map((index, at) =>
      indexOf(plain, index, { oid: oid + at + 1, rows }),
    ),
    foreignKeys: Object.entries(spec.references ?? {}).map(([column, to]) =>
      foreignKeyOf(plain, column, oids.get(to) ?? 0),
    ),
    pages,
    rows,
    allVisiblePages: spec.allVisiblePages ?? 0,
    fillfactor: 100,
    activity: { ...QUIET, liveRows: rows, ...spec.activity },
    readable: spec.readable ?? true,
    viewText: spec.view,
  };
}

const QUIET: Activity = {
  seqScans: 0,
  seqRowsRead: 0,
  indexScans: 0,
  inserted: 0,
  updated: 0,
  hotUpdated: 0,
  deleted: 0,
  liveRows: 0,
  deadRows: 0,
};

function primaryOf(table: string, keys: string): IndexSpec {
  return { keys, name: `${table}_pkey`, unique: true, primary: true, constraint: `${table}_pkey` };
}

function columnOf(from: {
  column: string;
  facts: string | ColumnSpec;
  number: number;
  rows: number;
}): Column {
  const spec: ColumnSpec =
    typeof from.facts === "string"
      ? { type: from.facts.replace(/ not null$/, ""), notNull: from.facts.endsWith(" not null") }
      : from.facts;
  return {
    number: from.number,
    name: from.column,
    type: spec.type,
    baseType: spec.type,
    category: categoryOf(spec.type),
    notNull: spec.notNull ?? false,
    collation:
      spec.collationIsC === undefined
        ? undefined
        : {
            schema: "pg_catalog",
            name: spec.collationIsC ? "C" : "en-x-icu",
            isC: spec.collationIsC,
          },
    numbers: {
      nullShare: spec.nullShare ?? 0,
      widthBytes: spec.widthBytes ?? 8,
      distinct: spec.distinct ?? Math.max(1, from.rows / 10),
      correlation: spec.correlation ?? 0,
      topShare: spec.topShare,
    },
  };
}

function categoryOf(type: string): string {
  if (type.startsWith("_")) return "A";
  if (["text", "varchar", "bpchar", "citext"].includes(type)) return "S";
  if (["int2", "int4", "int8", "numeric", "float4", "float8", "oid"].includes(type)) return "N";
  if (["date", "time", "timestamp", "timestamptz"].includes(type)) return "D";
  return type === "bool" ? "B" : "U";
}

function indexOf(
  table: string,
  index: string | IndexSpec,
  at: { oid: number; rows: number },
): Index {
  const { keys: text, ...facts } = typeof index === "string" ? { keys: index } : index;
  const keys = splitKeys(text).map(keyOf);
  const name = `${table}_${keys.map((key) => key.column ?? "expr").join("_")}_idx`;
  return {
    oid: at.oid,
    name,
    method: "btree",
    unique: false,
    primary: false,
    valid: true,
    exclusion: false,
    constraint: undefined,
    replicaIdentity: false,
    keys,
    include: [],
    predicate: undefined,
    definition: `CREATE INDEX ${name} ON ${table} USING ${facts.method ?? "btree"} (${text})`,
    pages: Math.max(2, Math.ceil(at.rows / 350)),
    rows: at.rows,
    bytes: Math.max(2, Math.ceil(at.rows / 350)) * 8_192,
    scans: 0,
    lastScanAgoMs: undefined,
    parent: undefined,
    ...facts,
  };
}

/** Commas within parentheses belong to an expression. */
function splitKeys(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth += 1;
    if (char === ")") depth -= 1;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim());
}

function keyOf(text: string): IndexKey {
  const match =
    /^(?<what>.*?)(?: (?<opclass>\w+_ops))?(?<desc> desc)?(?: nulls (?<nulls>\w+))?$/.exec(text);
  const { what = text, opclass, desc, nulls } = match?.groups ?? {};
  const descending = desc !== undefined;
  const plain = /^\w+$/.test(what);
  return {
    column: plain ? what : undefined,
    expression: plain ? undefined : what,
    descending,
    nullsFirst: nulls === undefined ? descending : nulls === "first",
    opclass: opclass ?? "default_ops",
    opclassDefault: opclass === undefined,
  };
}

function foreignKeyOf(table: string, column: string, to: number): ForeignKey {
  return {
    name: `${table}_${column}_fkey`,
    columns: [column],
    references: to,
    referencedColumns: ["id"],
    validated: true,
  };
}
