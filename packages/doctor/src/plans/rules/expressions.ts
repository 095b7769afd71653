/**
 * What is applied to a column in a condition as EXPLAIN deparses it. Constants are taken out first,
 * so that nothing within a string is taken for SQL.
 */
import { NAME, unquoted } from "./sql.ts";

/** A column, with its table's alias in front in a VERBOSE plan. */
const COLUMN = String.raw`(?:${NAME}\.)?(${NAME})`;
const COMPARED = `(?:=|<>|<|>|~|!~|IS |@@)`;
const CAST = new RegExp(
  String.raw`\(${COLUMN}\)::("?[\p{L}_][\p{L}\p{N}_. ]{0,127}"?)(?:\(\d+(?:,\d+)?\))? *${COMPARED}`,
  "gu",
);
const CALL = /(?<![\p{L}\p{N}_$.])([\p{L}_][\p{L}\p{N}_$.]{0,127})\(/gu;
const ARITHMETIC = new RegExp(
  String.raw`\(${COLUMN} (\+|-|\*|/|%|\|\|) [^()]*(?:\([^()]*\)[^()]*)*\) *${COMPARED}`,
  "gu",
);
const WILDCARD = new RegExp(
  String.raw`\((${COLUMN}|\(${COLUMN}\)::[\w ]{1,64}) ~~\*? (?:(?:ANY|ALL) \()?\?%`,
  "gu",
);
const NO_FUNCTIONS: ReadonlySet<string> = new Set([
  "AND",
  "OR",
  "NOT",
  "ANY",
  "ALL",
  "IN",
  "ARRAY",
]);
const MATCHES_MAX = 50;

export interface Cast {
  readonly column: string;
  readonly type: string;
}

/** Columns that are compared after a cast: `(id)::numeric = ?`. */
export function wrappedCasts(condition: string): readonly Cast[] {
  return matches(bare(condition), CAST).flatMap(([, column, type]) =>
    column === undefined || type === undefined
      ? []
      : [{ column: unquoted(column), type: type.trim() }],
  );
}

export interface Applied {
  readonly column: string;
  /** Of the function, or the operator. */
  readonly name: string;
}

/** Functions and arithmetic on one of these columns, whose result is compared. */
export function functionsOnColumns(
  condition: string,
  columns: readonly string[],
): readonly Applied[] {
  const text = bare(condition);
  const calls = matches(text, CALL).flatMap((match): readonly Applied[] => {
    const name = match[1] ?? "";
    if (NO_FUNCTIONS.has(name)) return [];
    const open = match.index + match[0].length;
    const close = closingOf(text, open);
    if (close === undefined || !comparedAfter(text.slice(close + 1))) return [];
    const column = columnsIn(text.slice(open, close)).find((it) => columns.includes(it));
    return column === undefined ? [] : [{ column, name }];
  });
  const sums = matches(text, ARITHMETIC).flatMap(([, column, operator]): readonly Applied[] => {
    if (column === undefined || operator === undefined) return [];
    const name = unquoted(column);
    return columns.includes(name) ? [{ column: name, name: operator }] : [];
  });
  return [...calls, ...sums];
}

/** What is matched with a pattern that begins with a wildcard: `note`, `(t.note)::text`. */
export function leadingWildcards(condition: string): readonly string[] {
  return matches(bare(condition), WILDCARD).map(([, matched]) => matched ?? "");
}

/** The last name in a column reference with an alias and a cast around it. */
export function columnWithin(reference: string): string | undefined {
  return columnsIn(reference.replace(/::.*$/su, ""))[0];
}

function columnsIn(text: string): readonly string[] {
  const found = matches(
    text.replace(/::"?[\p{L}_][\p{L}\p{N}_. ]*"?/gu, ""),
    new RegExp(COLUMN, "gu"),
  );
  return found.flatMap(([, column]) => (column === undefined ? [] : [unquoted(column)]));
}

/**
 * The condition with `?` for each string, `?%` for one that begins with a wildcard, alone or as the
 * first of an array; numbers are in nobody's way.
 */
function bare(condition: string): string {
  return condition.replace(/"(?:[^"]|"")*"|E?'(?:[^']|'')*'/gu, (token) => {
    if (token.startsWith('"')) return token;
    return /^E?'(?:\{"?)?[%_]/.test(token) ? "?%" : "?";
  });
}

function closingOf(text: string, open: number): number | undefined {
  let depth = 1;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

/** A comparison follows, perhaps after a cast and the parentheses around it. */
function comparedAfter(rest: string): boolean {
  return new RegExp(String.raw`^\)*(?:::"?[\p{L}_][\p{L}\p{N}_. ]*?"?)?\)* *${COMPARED}`, "u").test(
    rest,
  );
}

function matches(text: string, pattern: RegExp): readonly RegExpExecArray[] {
  const found: RegExpExecArray[] = [];
  for (const match of text.matchAll(pattern)) {
    if (found.push(match) >= MATCHES_MAX) break;
  }
  return found;
}
