import { byShare, columnOf, fitsBtree, isWeak, type Table } from "./table.ts";
import type { Clause, OrderItem, Scan, Term } from "./types.ts";

/** A scan's clauses sorted by what a b-tree could do with them. */
export interface Shape {
  /** Sought by equality, ordered so that statements share indexes. */
  readonly equal: readonly Term[];
  /** Of these, those with one value: rows behind them keep the order of later keys. */
  readonly single: readonly Term[];
  /** Of `equal`, what tells few rows apart: flags, and IS NULL where most rows are. */
  readonly weak: ReadonlySet<string>;
  /** Those with several values. */
  readonly many: readonly Term[];
  readonly ranges: readonly Term[];
  readonly prefixes: readonly Term[];
  /** Join columns, by the table joined. */
  readonly joins: readonly { readonly other: number; readonly terms: readonly Term[] }[];
  /** Without what an equality fixes. */
  readonly order: readonly OrderItem[];
  readonly limited: boolean;
  readonly grouped: readonly Term[];
}

export function shapeOf(scan: Scan, table: Table): Shape {
  const clauses = scan.clauses.filter(
    (clause) => clause.kind === "constant" || fitsBtree(table, clause.term),
  );
  const single = distinct(
    clauses.flatMap((clause) =>
      clause.kind === "equality" && clause.many !== true ? clause.term : [],
    ),
  );
  const fixed = new Set(single.map((term) => term.sql));
  const open = (term: Term): boolean => !fixed.has(term.sql);
  const many = termsOf(clauses, "equality").filter(open);
  const weak = weakOf(clauses, table);
  const equal = byShare(table, [...single, ...many], weak);
  const sought = new Set(equal.map((term) => term.sql));
  return {
    equal,
    single: byShare(table, single, weak),
    weak,
    many,
    ranges: termsOf(clauses, "range").filter((term) => !sought.has(term.sql)),
    prefixes: termsOf(clauses, "prefix").filter((term) => !sought.has(term.sql)),
    joins: joinsOf(clauses),
    order: leadingOrder(
      scan.order.filter((item) => open(item.term)),
      table,
    ),
    limited: scan.limited,
    grouped: scan.grouped.filter((term) => open(term) && fitsBtree(table, term)),
  };
}

/** Rows without a value, above which IS NULL tells few apart. */
export const NULL_SHARE_WEAK = 0.5;

function weakOf(clauses: readonly Clause[], table: Table): ReadonlySet<string> {
  const weak = new Set<string>();
  for (const clause of clauses) {
    if (clause.kind !== "equality") continue;
    const { term, literal } = clause;
    const nulls = columnOf(table, term.column)?.numbers?.nullShare ?? 0;
    if (literal === "null" ? nulls > NULL_SHARE_WEAK : isWeak(table, term)) weak.add(term.sql);
  }
  return weak;
}

/** Up to the first item that no index can hold. */
function leadingOrder(items: readonly OrderItem[], table: Table): readonly OrderItem[] {
  const end = items.findIndex((item) => !fitsBtree(table, item.term));
  return end < 0 ? items : items.slice(0, end);
}

function termsOf(
  clauses: readonly Clause[],
  kind: "equality" | "range" | "prefix",
): readonly Term[] {
  return distinct(clauses.flatMap((clause) => (clause.kind === kind ? clause.term : [])));
}

function joinsOf(clauses: readonly Clause[]): Shape["joins"] {
  const byOther = new Map<number, Term[]>();
  for (const clause of clauses)
    if (clause.kind === "join")
      byOther.set(clause.other, [...(byOther.get(clause.other) ?? []), clause.term]);
  return [...byOther].map(([other, terms]) => ({ other, terms: distinct(terms) }));
}

function distinct(terms: readonly Term[]): readonly Term[] {
  return [...new Map(terms.map((term) => [term.sql, term])).values()];
}
