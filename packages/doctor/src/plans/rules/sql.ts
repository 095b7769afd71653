import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import type { Fix } from "../../finding.ts";
import type { PlanNode } from "../types.ts";

/** The node's table, quoted; undefined when it has none or its name is no name of PostgreSQL. */
export function quotedTable(node: PlanNode): string | undefined {
  const { relation, schema } = node;
  if (relation === undefined) return undefined;
  return quoted(() => quoteQualified(schema === undefined ? [relation] : [schema, relation]));
}

/** A column or role, quoted; undefined when it is no name of PostgreSQL. */
export function quotedName(name: string): string | undefined {
  return quoted(() => quoteIdentifier(name));
}

/**
 * Pattern of a name as EXPLAIN deparses it; needs the flag `u`. Its bounds keep a search linear in
 * what anybody's plan file may hold.
 */
export const NAME: string = String.raw`(?:(?<![\p{L}\p{N}_$])[\p{L}_][\p{L}\p{N}_$]{0,62}(?![\p{L}\p{N}_$])|"(?:[^"]|""){1,64}")`;

/** The name that a quoted or plain identifier of a deparsed expression stands for. */
export function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** The statements, if every name in them could be quoted, else the note alone. */
export function sqlFix(statements: readonly (string | undefined)[], note: string): Fix {
  const known = statements.filter((statement) => statement !== undefined);
  if (known.length < statements.length || known.length === 0) return { kind: "advice", text: note };
  return { kind: "sql", statements: known, note };
}

/** A plan may come from a file of anybody's, with names that no server would take. */
function quoted(quote: () => string): string | undefined {
  try {
    return quote();
  } catch {
    return undefined;
  }
}
