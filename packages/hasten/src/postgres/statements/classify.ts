/**
 * What kind of statement a parse tree is.
 *
 * Invariant: fail closed. A statement that is not named here is opaque, may write, and may leave the
 * connection in any state.
 */
import type { OpaqueAnalysis, SessionEffect } from "./analysis.ts";
import { scan } from "./scan.ts";
import { sessionEffect, together } from "./session-statements.ts";
import { isTree, listOf, type Tree, type Typed, text, typed } from "./tree.ts";
import { newLevel, noUses, type Target, type Uses } from "./uses.ts";

export type Classified =
  | { readonly kind: "read"; readonly uses: Uses }
  | { readonly kind: "write"; readonly uses: Uses }
  | { readonly kind: "schema" }
  | { readonly kind: "session"; readonly effect: SessionEffect }
  | { readonly kind: "opaque"; readonly analysis: OpaqueAnalysis };

export function classify(statements: readonly Typed[]): Classified {
  const [first, ...more] = statements;
  if (first === undefined) return { kind: "session", effect: { kind: "harmless" } };
  if (more.length > 0) return several(statements);
  if (isTemporary(first.tree)) return opaque("a temporary table", { stateful: true });
  return one(first);
}

/** Several statements in one text: known only if all of them are of the session. */
function several(statements: readonly Typed[]): Classified {
  const each = statements.map((statement) => classify([statement]));
  const effects = each.flatMap((it) => (it.kind === "session" ? [it.effect] : []));
  const effect = effects.length === each.length ? together(effects) : undefined;
  if (effect !== undefined) return { kind: "session", effect };
  const onlyReads = each.every(({ kind }) => kind === "read" || kind === "session");
  const stateful = each.some(
    (it) =>
      (it.kind === "opaque" && it.analysis.stateful) ||
      (it.kind === "session" && it.effect.kind !== "harmless"),
  );
  return opaque("several statements in one text", {
    // What its functions do was not looked up.
    mayWrite: !onlyReads || each.some((it) => it.kind === "read" && it.uses.functions.length > 0),
    stateful: stateful || each.some((it) => it.kind === "read" && callsSetConfig(it.uses)),
  });
}

function callsSetConfig(uses: Uses): boolean {
  return uses.functions.some(({ name }) => name.name === "set_config");
}

function one(statement: Typed): Classified {
  const { type, tree } = statement;
  switch (type) {
    case "SelectStmt":
      return tree["intoClause"] === undefined ? data(statement) : { kind: "schema" };
    case "InsertStmt":
    case "UpdateStmt":
    case "DeleteStmt":
    case "MergeStmt":
      return data(statement);
    case "TruncateStmt":
      return truncate(tree);
    case "CopyStmt":
      return copy(tree);
    case "ExplainStmt":
      return explain(tree);
    case "VariableShowStmt":
      return sessionOr(statement, { mayWrite: false, stateful: false });
    default:
      if (SCHEMA_STATEMENT.test(type)) return { kind: "schema" };
      return sessionOr(statement, OPAQUE_STATEMENTS.get(type) ?? ANYTHING);
  }
}

interface Risk {
  readonly mayWrite?: boolean;
  readonly stateful?: boolean;
}

const ANYTHING: Risk = { mayWrite: true, stateful: true };

/** Named, so that they are known not to leave a state behind. */
const OPAQUE_STATEMENTS: ReadonlyMap<string, Risk> = new Map([
  ["DeclareCursorStmt", { mayWrite: false }],
  ["FetchStmt", { mayWrite: false }],
  ["ExecuteStmt", { mayWrite: true }],
  ["TransactionStmt", ANYTHING],
  ["DoStmt", ANYTHING],
  ["CallStmt", ANYTHING],
]);

const SCHEMA_STATEMENT =
  /^(Create|Alter|Drop|Define|Rename|Comment|SecLabel|Grant|Index|View|Rule|RefreshMatView|ImportForeignSchema|ReassignOwned|CompositeType|Cluster|ReplicaIdentity)\w*Stmt$/;

function sessionOr(statement: Typed, risk: Risk): Classified {
  const effect = sessionEffect(statement);
  if (effect !== undefined) return { kind: "session", effect };
  return opaque(spoken(statement.type), risk);
}

/** `ExecuteStmt` is EXECUTE. */
function spoken(type: string): string {
  return type
    .replace(/Stmt$/, "")
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toUpperCase();
}

function opaque(because: string, risk: Risk): Classified {
  const { mayWrite = true, stateful = false } = risk;
  return { kind: "opaque", analysis: { kind: "opaque", because, mayWrite, stateful } };
}

function data(statement: Typed): Classified {
  const uses = scan(statement);
  return { kind: uses.targets.length > 0 ? "write" : "read", uses };
}

function truncate(tree: Tree): Classified {
  const cascades = tree["behavior"] === "DROP_CASCADE";
  return write(
    listOf(tree["relations"]).map((it) => targetOf(typed(it)?.tree, { how: "truncate", cascades })),
  );
}

function copy(tree: Tree): Classified {
  const { query, relation } = tree;
  if (tree["is_program"] === true || tree["filename"] !== undefined)
    return opaque("COPY with a file or a program", {});
  if (tree["is_from"] === true)
    return write([targetOf(isTree(relation) ? relation : undefined, { how: "copy" })]);
  const inner = typed(query);
  if (inner !== undefined) return one(inner);
  return { kind: "read", uses: wholeTable(isTree(relation) ? relation : {}) };
}

/** COPY table TO STDOUT reads all of it; a condition makes it less. */
function wholeTable(relation: Tree): Uses {
  const uses = noUses();
  const name = nameOf(relation);
  uses.relations.push({ name, refname: name.name, renamed: true, level: newLevel() });
  return uses;
}

function explain(tree: Tree): Classified {
  const analyzes = listOf(tree["options"]).some(
    (option) => text(typed(option)?.tree["defname"]).toLowerCase() === "analyze",
  );
  const inner = typed(tree["query"]);
  if (analyzes || inner === undefined) return opaque("EXPLAIN ANALYZE", {});
  const classified = one(inner);
  // Nothing runs: an estimate of what a read would give changes with what it reads.
  return classified.kind === "read"
    ? classified
    : opaque("EXPLAIN of a write", { mayWrite: false });
}

function write(targets: readonly Target[]): Classified {
  const uses = noUses();
  uses.targets.push(...targets);
  return { kind: "write", uses };
}

function targetOf(
  relation: Tree | undefined,
  { how, cascades = false }: { how: Target["how"]; cascades?: boolean },
): Target {
  return { name: nameOf(relation ?? {}), how, cascades };
}

function nameOf(relation: Tree): Target["name"] {
  const schema = relation["schemaname"];
  return {
    schema: schema === undefined ? undefined : text(schema),
    name: text(relation["relname"]),
  };
}

/** CREATE TEMP, or anything in the schema of temporary things. */
function isTemporary(tree: unknown): boolean {
  if (Array.isArray(tree)) return tree.some(isTemporary);
  if (!isTree(tree)) return false;
  return Object.entries(tree).some(
    ([field, value]) =>
      (field === "relpersistence" && value === "t") ||
      (typeof value === "string" && /^pg_temp/.test(value) && field !== "sval") ||
      (field === "sval" && value === "pg_temp") ||
      isTemporary(value),
  );
}
