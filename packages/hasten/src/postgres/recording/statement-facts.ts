/** What a canonical statement says of itself, by its words alone. */
import type { QueryShape, QueryTraits } from "../../core/trace/index.ts";

type Role = QueryShape["role"];

const READS: ReadonlySet<string> = new Set([
  ...["select", "values", "table", "fetch", "execute", "copy out", "declare"],
]);
const CONTROLS: ReadonlySet<string> = new Set([
  ...["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"],
  ...["set", "reset", "discard", "deallocate", "close", "move", "lock", "listen", "unlisten"],
]);
/** Asked of the server about itself. */
const INTERNALS: ReadonlySet<string> = new Set(["show", "explain"]);
const MAIN = /\b(?:select|insert|update|delete|merge|values)\b/g;
const NAME = String.raw`(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`;
const TABLES = new RegExp(
  String.raw`\b(from|join|into|update|copy|truncate|table)\s+(?:only\s+|lateral\s+|if not exists\s+)*(${NAME}(?:\.${NAME})*)(\s*\()?`,
  "gu",
);
const COMMON_TABLES = new RegExp(
  String.raw`(?:\bwith(?: recursive)?|,)\s+(${NAME})(?:\s*\([^()]*\))?\s+as\s`,
  "gu",
);
/** Of `do update set`, `for update of`, `insert into … select`. */
const NO_NAMES: ReadonlySet<string> = new Set([
  ...["select", "stdin", "set", "of", "skip", "nowait", "values", "lateral"],
]);
const NO_TABLE = /\b(?:extract|trim|substring|overlay|position)\([^()]*$/;

/** `select`, `insert`, `begin`, …: of `with …` that of its outermost part. */
export function kindOf(statement: string): string {
  const first = /^[(\s]*([a-z]+)/.exec(statement)?.[1] ?? "";
  if (first === "copy") return /\bto (?:stdout|\?|program)/.test(statement) ? "copy out" : "copy";
  if (first !== "with") return first === "" ? "other" : first;
  const at = mainAt(statement);
  return /^[a-z]+/.exec(statement.slice(at))![0];
}

/** Where the outermost part of `with …` begins. */
function mainAt(statement: string): number {
  for (const { index } of statement.matchAll(MAIN))
    if (depthAt(statement, index) === 0) return index;
  return 0;
}

function depthAt(statement: string, at: number): number {
  let depth = 0;
  for (let i = 0; i < at; i++) {
    if (statement[i] === "(") depth += 1;
    else if (statement[i] === ")") depth -= 1;
  }
  return depth;
}

/** Tables in the order in which they are named, without those that the statement makes itself. */
export function tablesOf(statement: string): readonly string[] {
  const own = statement.includes("with ")
    ? new Set([...statement.matchAll(COMMON_TABLES)].map((found) => found[1]!))
    : undefined;
  const tables: string[] = [];
  for (const found of statement.matchAll(TABLES)) {
    const [, after, name = "", opens] = found;
    if (own?.has(name) === true || NO_NAMES.has(name)) continue;
    if (opens !== undefined && (after === "from" || after === "join")) continue;
    if (NO_TABLE.test(statement.slice(0, found.index))) continue;
    tables.push(name);
  }
  return tables;
}

/** The table that is written, or the first that is read; without `public.` and quotes. */
export function modelOf(statement: string, kind: string, tables: readonly string[]): string {
  const ofMain = statement.startsWith("with ") && kind !== "select";
  const first = ofMain ? tablesOf(statement.slice(mainAt(statement)))[0] : tables[0];
  if (first === undefined) return "";
  return first.replace(/^public\./, "").replaceAll('"', "");
}

export function roleOf(statement: string, kind: string, tables: readonly string[]): Role {
  if (CONTROLS.has(kind)) return "control";
  if (INTERNALS.has(kind)) return "internal";
  if (tables.length > 0 && tables.every(isCatalog)) return "internal";
  if (kind === "select" && tables.length === 0 && SERVER_ONLY.test(statement)) return "internal";
  if (!READS.has(kind)) return "write";
  return kind === "select" && / into [a-z"]/.test(statement) ? "write" : "read";
}

/** What libraries ask when they connect. */
const SERVER_ONLY =
  /^select (?:version\(\)|current_schema(?:\(\))?|current_database\(\)|current_setting\(\?\))(?: as [^,]+)?$/;

const isCatalog = (table: string): boolean =>
  /^(?:pg_catalog\.|information_schema\.|pg_[a-z_]+$)/.test(table);

export function traitsOf(statement: string): QueryTraits {
  const outer = outermost(statement);
  return {
    selectsEverything: selectsEverything(outer),
    limited: /\b(?:limit|fetch (?:first|next))\b/.test(outer) || aggregates(outer),
    batched:
      /\bin \((?:\?|\$n), …/.test(statement) ||
      /(?:= ?any|<> ?all)\s*\(/.test(statement) ||
      /\bunnest\(/.test(statement) ||
      /\bvalues \(.*\), …/.test(statement),
    locks: /\bfor (?:no key update|update|key share|share)\b/.test(outer),
  };
}

/** The statement without what stands in parentheses, and without its common table expressions. */
function outermost(statement: string): string {
  let out = "";
  let depth = 0;
  for (const char of statement) {
    if (char === "(") {
      if (depth === 0) out += "(";
      depth += 1;
    } else if (char === ")") {
      depth = Math.max(0, depth - 1);
      if (depth === 0) out += ")";
    } else if (depth === 0) out += char;
  }
  const main = statement.startsWith("with ") ? out.search(/\bselect\b/) : 0;
  return main > 0 ? out.slice(main) : out;
}

function selectsEverything(outer: string): boolean {
  const list = /^select (?:distinct |all )?(.*?)(?: from |$)/.exec(outer)?.[1];
  if (list === undefined) return /\breturning \*/.test(outer);
  return list.split(", ").some((item) => item === "*" || item.endsWith(".*"));
}

const AGGREGATE =
  /^(?:count|sum|avg|min|max|bool_and|bool_or|every|string_agg|array_agg|json_agg|jsonb_agg|json_object_agg|jsonb_object_agg)\(\)/;

/** Every item of the list is an aggregate, or a query that gives one row: one row comes back. */
function aggregates(outer: string): boolean {
  if (/\bgroup by\b|\bunion\b| over\b/.test(outer)) return false;
  const list = /^select (.*?)(?: from |$)/.exec(outer)?.[1];
  if (list === undefined) return false;
  const items = list.split(", ");
  return items.every((item) => AGGREGATE.test(item)) || /^exists ?\(\)/.test(list);
}
