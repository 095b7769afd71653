import type { Catalog, Column, Relation } from "../catalog/types.ts";
import type { Clause, Scan, StatementFacts, Term } from "./types.ts";

/** Tables with fewer pages (of 8 kB) are read as fast without an index. */
export const TABLE_PAGES_MIN = 10;
/** A b-tree refuses rows above 2704 bytes; a column this wide on average has such rows. */
const KEY_BYTES_MAX = 600;
/** Distinct values that PostgreSQL assumes of what it has no statistics for. */
const DISTINCT_UNKNOWN = 200;
const ROWS_PER_PAGE_UNKNOWN = 50;

/** One scan of one statement, with the time that hangs on it. */
export interface ScanUse {
  readonly statement: string;
  readonly share: number;
  readonly scan: Scan;
}

/** A table and everything that the workload asks of it. */
export interface Table {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly scans: readonly ScanUse[];
  /** By SQL of a term: share of the workload that seeks it by equality or joins on it. */
  readonly sought: ReadonlyMap<string, number>;
  /** By SQL of a jsonb term: the operators that the workload uses on it. */
  readonly operators: ReadonlyMap<string, ReadonlySet<string>>;
  /** By column: share of the workload that has a constant condition on it, by condition. */
  readonly constants: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** The tables that are worth an index, in the order in which the statements name them. */
export function tablesOf(facts: readonly StatementFacts[], catalog: Catalog): readonly Table[] {
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  const uses = new Map<number, ScanUse[]>();
  for (const { id, share, scans } of facts)
    for (const scan of scans) {
      const known = uses.get(scan.relation) ?? [];
      known.push({ statement: id, share, scan });
      uses.set(scan.relation, known);
    }
  return [...uses].flatMap(([oid, scans]) => {
    const relation = byOid.get(oid);
    return relation !== undefined && isWorth(relation) ? [tableOf(relation, scans, catalog)] : [];
  });
}

export function isWorth(relation: Relation): boolean {
  if (relation.kind === "view" || relation.kind === "foreign") return false;
  const { pages, rows, activity } = relation;
  // Never analysed: only the counters know of rows.
  const known = rows < 0 ? Math.ceil(activity.liveRows / ROWS_PER_PAGE_UNKNOWN) : 0;
  return Math.max(pages, known) >= TABLE_PAGES_MIN;
}

function tableOf(relation: Relation, scans: readonly ScanUse[], catalog: Catalog): Table {
  const sought = new Map<string, number>();
  const operators = new Map<string, Set<string>>();
  const constants = new Map<string, Map<string, number>>();
  for (const { scan, share } of scans)
    for (const clause of distinctClauses(scan.clauses)) {
      if (clause.kind === "equality" || clause.kind === "join")
        sought.set(clause.term.sql, (sought.get(clause.term.sql) ?? 0) + share);
      if (clause.kind === "contains")
        operators.set(
          clause.term.sql,
          (operators.get(clause.term.sql) ?? new Set()).add(clause.operator),
        );
      addConstant(constants, clause, share);
    }
  return { catalog, relation, scans, sought, operators, constants };
}

/** An equality without a literal speaks against a partial index on its column, too. */
function addConstant(
  constants: Map<string, Map<string, number>>,
  clause: Clause,
  share: number,
): void {
  const open = clause.kind === "equality" && clause.literal === undefined;
  const column = open
    ? clause.term.column
    : clause.kind === "constant"
      ? clause.columns[0]
      : undefined;
  if (column === undefined) return;
  const of = constants.get(column) ?? new Map<string, number>();
  const sql = clause.kind === "constant" ? clause.sql : "";
  of.set(sql, (of.get(sql) ?? 0) + share);
  constants.set(column, of);
}

/** `a > 1 AND a < 2` seeks a once. */
export function distinctClauses(clauses: readonly Clause[]): readonly Clause[] {
  const seen = new Set<string>();
  return clauses.filter((clause) => {
    const what = clause.kind === "constant" ? clause.sql : clause.term.sql;
    const more = clause.kind === "contains" ? clause.operator : "";
    const key = `${clause.kind} ${what} ${more}`;
    const known = seen.has(key);
    seen.add(key);
    return !known;
  });
}

export function columnOf(table: Table, name: string | undefined): Column | undefined {
  return table.relation.columns.find((column) => column.name === name);
}

export function distinctOf(table: Table, term: Term): number {
  return columnOf(table, term.column)?.numbers?.distinct ?? DISTINCT_UNKNOWN;
}

/** Whether a b-tree can hold it. */
export function fitsBtree(table: Table, term: Term): boolean {
  return (columnOf(table, term.column)?.numbers?.widthBytes ?? 0) <= KEY_BYTES_MAX;
}

/** A flag, or a column with hardly another value: it tells few rows apart. */
export function isWeak(table: Table, term: Term): boolean {
  const column = columnOf(table, term.column);
  return column?.baseType === "bool" || distinctOf(table, term) <= 2;
}

/**
 * Equality terms in the order in which most statements can share an index: flags last, first what
 * most of the workload seeks, then what tells most rows apart.
 */
export function byShare(
  table: Table,
  terms: readonly Term[],
  weak: ReadonlySet<string> = new Set(),
): readonly Term[] {
  return [...terms].sort(
    (a, b) =>
      Number(weak.has(a.sql)) - Number(weak.has(b.sql)) ||
      (table.sought.get(b.sql) ?? 0) - (table.sought.get(a.sql) ?? 0) ||
      distinctOf(table, b) - distinctOf(table, a) ||
      (a.sql < b.sql ? -1 : 1),
  );
}
