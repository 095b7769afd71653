import { PLANNED } from "../parse/nodes.ts";
import type { Parser } from "../parse/parse.ts";
import { SQL_CHARS_MAX } from "../parse/parse.ts";
import type { FunctionFacts, Lookup, RelationFacts, TypeFacts } from "./lookup.ts";
import { isRefusal, type Mentions, mentionsIn, type Name } from "./mentions.ts";

export type Verdict =
  | {
      readonly kind: "allowed";
      /** The one statement's own slice of the text. */
      readonly text: string;
      /** Highest `$n`. */
      readonly parameters: number;
    }
  | { readonly kind: "refused"; readonly because: string };

/**
 * Whether a text may be executed under EXPLAIN ANALYZE: exactly one SELECT by PostgreSQL's grammar,
 * that changes nothing and calls no code but PostgreSQL's own functions that are not volatile, nor do
 * the views, policies, domains and casts that it reaches. What is not known is refused.
 */
export function guardAnalyze(text: string, parser: Parser, lookup: Lookup): Promise<Verdict> {
  return judge(text, parser, { lookup, run: true });
}

/**
 * Whether a text may be planned, which runs immutable functions: exactly one statement that reads or
 * writes tables. With a lookup, whose role can do everything, no code of the database's users either.
 */
export function guardPlan(
  text: string,
  parser: Parser,
  lookup: Lookup | undefined,
): Promise<Verdict> {
  return judge(text, parser, { lookup, run: false });
}

interface How {
  readonly lookup: Lookup | undefined;
  readonly run: boolean;
}

async function judge(text: string, parser: Parser, how: How): Promise<Verdict> {
  if (text.length > SQL_CHARS_MAX) return refused(`it is longer than ${SQL_CHARS_MAX} characters`);
  if (text.includes("\0")) return refused("it holds a NUL character");
  const statements = parser.parse(text);
  if (statements === undefined) return refused("PostgreSQL's grammar does not accept it");
  const [statement, second] = statements;
  if (statement === undefined || second !== undefined)
    return refused("it is not exactly one statement");
  const [tag] = Object.keys(statement.tree);
  if (how.run ? tag !== "SelectStmt" : !PLANNED.has(tag ?? ""))
    return refused(
      how.run ? "it is no SELECT" : "it is no SELECT, INSERT, UPDATE, DELETE or MERGE",
    );
  const mentions = mentionsIn(statement.tree, how.run);
  if (isRefusal(mentions)) return refused(mentions.because);
  const because =
    how.lookup === undefined ? undefined : await reach(mentions, parser, how.lookup, how.run);
  if (because !== undefined) return refused(because);
  return { kind: "allowed", text: statement.text, parameters: mentions.parameters };
}

const refused = (because: string): Verdict => ({ kind: "refused", because });

/** Views, policies and domains looked into at most. */
const PIECES_MAX = 500;

/** Follows what the statement names into the catalogs; the reason to refuse, if there is one. */
async function reach(
  first: Mentions,
  parser: Parser,
  lookup: Lookup,
  run: boolean,
): Promise<string | undefined> {
  const seen = new Set<string>();
  const waiting: Mentions[] = [first];
  const casts = await lookup.casts();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const names = new Set(
      [...next.types, ...next.functions].map((it) => it.name).concat(next.indirections),
    );
    if (casts.some((it) => it.implicit || names.has(it.name)))
      return "a cast of this database calls a function that its users made";
    const called = (await functionProblem(next, lookup, run)) ?? undefined;
    if (called !== undefined) return called;
    const pieces = await piecesOf(next, lookup, run);
    if (typeof pieces === "string") return pieces;
    for (const piece of pieces) {
      if (seen.has(piece)) continue;
      seen.add(piece);
      if (seen.size > PIECES_MAX) return "it reaches too many views, policies and domains";
      const mentions = readPiece(piece, parser, run);
      if (typeof mentions === "string") return mentions;
      waiting.push(mentions);
    }
  }
  return undefined;
}

function readPiece(piece: string, parser: Parser, run: boolean): Mentions | string {
  const [statement, second] = parser.parse(piece) ?? [];
  if (statement === undefined || second !== undefined)
    return "the definition of a view, policy or domain that it reaches cannot be read";
  const mentions = mentionsIn(statement.tree, run);
  return isRefusal(mentions) ? `of something that it reaches: ${mentions.because}` : mentions;
}

/** Called without being written: IN, LIKE, CASE, NULLIF, USING, ORDER BY, DISTINCT. */
const IMPLIED: readonly Name[] = ["=", "<>", "<", ">", "<=", ">=", "~~", "!~~"].map((name) => ({
  schema: undefined,
  name,
}));

async function functionProblem(
  { functions, operators, attributes, indirections }: Mentions,
  lookup: Lookup,
  run: boolean,
): Promise<string | undefined> {
  const called = await lookup.functions(functions);
  const known = new Set(called.map((it) => it.name));
  const unknown = functions.find((it) => !known.has(it.name));
  if (unknown !== undefined) return `it calls a function that is not known: ${unknown.name}`;
  const groups = [
    called,
    await lookup.operators([...IMPLIED, ...operators]),
    await lookup.attributes(attributes, false),
    await lookup.attributes(indirections, true),
  ];
  for (const facts of groups.flat()) {
    const problem = problemOf(facts, run);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** They change nothing that anybody can see. */
const HARMLESS: ReadonlySet<string> = new Set([
  "clock_timestamp",
  "gen_random_uuid",
  "pg_indexes_size",
  "pg_relation_size",
  "pg_table_size",
  "pg_total_relation_size",
  "random",
  "random_normal",
  "timeofday",
  // AT TIME ZONE, of which one overload was called volatile up to 14.
  "timezone",
  "uuidv4",
  "uuidv7",
]);
/** Not volatile, and yet: they read whole schemas, take a transaction id, or read a value of a type given by name. */
const HARMFUL =
  /^(?:(?:table|schema|database|query|cursor)_to_xml.*|txid_current|pg_current_xact_id|pg_input_.*|pg_event_trigger_.*|pg_extension_update_paths|pg_config)$/;

function problemOf(facts: FunctionFacts, run: boolean): string | undefined {
  const { name, trusted, volatility, takesText } = facts;
  if (!trusted) return `it calls ${name}, which is not PostgreSQL's own`;
  if (takesText) return `it calls ${name}, which reads values of any type`;
  if (HARMFUL.test(name)) return `it calls ${name}, which does more than compute`;
  if (run && volatility === "v" && !HARMLESS.has(name))
    return `it calls ${name}, which is volatile`;
  return undefined;
}

/** SQL of the views, policies and domain checks that come into play, or the reason to refuse. */
async function piecesOf(
  { relations, types }: Mentions,
  lookup: Lookup,
  run: boolean,
): Promise<readonly string[] | string> {
  const found = await lookup.relations(relations);
  const names = new Set(found.map((it) => it.name));
  const missing = relations.find((it) => !it.mayBeLocal && !names.has(it.name));
  if (missing !== undefined) return `it names a table that is not known: ${missing.name}`;
  const problem = found.map((it) => relationProblem(it, run)).find((it) => it !== undefined);
  if (problem !== undefined) return problem;
  const checks = await checksOf(types, new Set(found.flatMap((it) => it.types)), lookup);
  if (typeof checks === "string") return checks;
  return [
    ...found.flatMap((it) => (it.view === null ? [] : [it.view])),
    ...[...found.flatMap((it) => it.policies), ...checks].map((it) => `select ${it}`),
  ];
}

function relationProblem({ kind, untrusted }: RelationFacts, run: boolean): string | undefined {
  if (kind === "f" && run) return "it reads a foreign table, which reaches beyond this server";
  if (untrusted)
    return "an index, a constraint or a default of a table that it reads calls a function that the database's users made; as a role without superuser rights (pg_monitor, pg_read_all_data) it can be planned";
  return undefined;
}

/** Types are made of types: followed to the ground. */
async function checksOf(
  names: readonly Name[],
  columns: ReadonlySet<number>,
  lookup: Lookup,
): Promise<readonly string[] | string> {
  const checks: string[] = [];
  const seen = new Set<number>();
  let asked: readonly Name[] = names;
  let wanted: readonly number[] = [...columns];
  while (asked.length > 0 || wanted.length > 0) {
    const types = await lookup.types(asked, wanted);
    for (const type of types) {
      seen.add(type.oid);
      const problem = typeProblem(type);
      if (problem !== undefined) return problem;
      checks.push(...type.checks);
    }
    if (seen.size > PIECES_MAX) return "it reaches too many types";
    asked = [];
    wanted = [...new Set(types.flatMap((it) => it.parts))].filter((oid) => !seen.has(oid));
  }
  return checks;
}

/** Enum, domain, composite, range and multirange, and arrays, which are base types, of the like. */
function typeProblem({ trusted, kind, canonical, parts }: TypeFacts): string | undefined {
  if (canonical) return "it uses a range type with a function of its own";
  if (trusted || "edcrm".includes(kind)) return undefined;
  return kind === "b" && parts.length > 0
    ? undefined
    : "it uses a type that is not PostgreSQL's own";
}
