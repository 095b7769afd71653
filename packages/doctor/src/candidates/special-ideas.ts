import { quoteIdentifier } from "hasten/postgres";
import { type Idea, keyOf, special } from "./idea.ts";
import { columnOf, distinctClauses, type Table } from "./table.ts";
import type { Candidate, Clause, Scan, Term } from "./types.ts";

/** BRIN only pays where the table is large and lies in the column's order. */
export const BRIN_PAGES_MIN = 131_072;
export const BRIN_CORRELATION_MIN = 0.95;

const KEY_EXISTS: readonly string[] = ["?", "?|", "?&"];

/** GIN, GiST and BRIN. */
export function specialIdeas(scan: Scan, table: Table): readonly Idea[] {
  return distinctClauses(scan.clauses).flatMap((clause): readonly Idea[] => {
    switch (clause.kind) {
      case "contains":
        return containsIdeas(clause, table);
      case "pattern":
        return trigram(clause.term, { method: "gin", reason: "trigram" }, table);
      case "nearest":
        return clause.on === "trigram"
          ? trigram(clause.term, { method: "gist", reason: "nearest" }, table)
          : [special("gist", keyOf(clause.term), { ...PLAIN, reasons: ["nearest"] })];
      case "range":
        return brinIdeas(clause.term, table);
      default:
        return [];
    }
  });
}

const PLAIN = { promise: 1, extension: undefined } as const;

function containsIdeas(
  { term, on, operator }: Extract<Clause, { kind: "contains" }>,
  table: Table,
): readonly Idea[] {
  const expression = term.column === undefined ? (["expression"] as const) : [];
  if (on === "range")
    return [special("gist", keyOf(term), { ...PLAIN, reasons: ["range", ...expression] })];
  if (on !== "jsonb") {
    const reason = on === "array" ? "array" : "full-text";
    return [special("gin", keyOf(term), { ...PLAIN, reasons: [reason, ...expression] })];
  }
  const reasons = ["jsonb", ...expression] as const;
  const whole = special("gin", keyOf(term), { ...PLAIN, reasons });
  if (KEY_EXISTS.includes(operator)) return [whole];
  // Smaller and faster, but blind to the existence of keys.
  const paths = special("gin", keyOf(term, "jsonb_path_ops"), { ...PLAIN, reasons });
  const others = table.operators.get(term.sql) ?? new Set();
  return KEY_EXISTS.some((other) => others.has(other)) ? [paths, whole] : [paths];
}

function trigram(
  term: Term,
  as: { readonly method: "gin" | "gist"; readonly reason: "trigram" | "nearest" },
  { catalog }: Table,
): readonly Idea[] {
  const created = catalog.extensions.get("pg_trgm");
  if (created === undefined && !catalog.available.has("pg_trgm")) return [];
  const schema = created?.schema;
  const seen = schema === undefined || ["pg_catalog", ...catalog.searchPath].includes(schema);
  const opclass = `${seen ? "" : `${quoteIdentifier(schema)}.`}${as.method}_trgm_ops`;
  const extension: Candidate["extension"] = created === undefined ? "pg_trgm" : undefined;
  const expression = term.column === undefined ? (["expression"] as const) : [];
  const reasons = [as.reason, ...expression];
  return [special(as.method, keyOf(term, opclass), { reasons, promise: 0.9, extension })];
}

function brinIdeas(term: Term, table: Table): readonly Idea[] {
  const correlation = columnOf(table, term.column)?.numbers?.correlation ?? 0;
  if (table.relation.pages < BRIN_PAGES_MIN || Math.abs(correlation) < BRIN_CORRELATION_MIN)
    return [];
  return [special("brin", keyOf(term), { reasons: ["brin"], promise: 0.6, extension: undefined })];
}
