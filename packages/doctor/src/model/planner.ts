import { quoteQualified } from "hasten/postgres";
import type { Candidate } from "../candidates/types.ts";
import type { Relation } from "../catalog/types.ts";
import type { DoctorError } from "../errors.ts";
import type { Parser } from "../parse/parse.ts";
import { modelFailed, sqlstateOf } from "./engine.ts";
import { plannedFrom } from "./planned.ts";
import { type KeysOf, reliesOnSkipScan } from "./skip-scan.ts";
import type { Explainable, IndexChange, Planned, Planner } from "./types.ts";
import { applyChange, shareKey, type WhatIf } from "./what-if.ts";

export interface PlannerParts extends WhatIf {
  readonly parser: Parser;
  /** The target's: plans that only version 18 could make are refused for earlier ones. */
  readonly major: number;
}

const SKIP_SCAN_SINCE = 18;
const PLANNABLE = new Set(["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);
/** Shares of rows by predicate that are remembered. */
const SHARES_MAX = 5000;

/** A planner over the model. Calls are one at a time; a second one meanwhile is refused. */
export function plannerOf(parts: PlannerParts): Planner {
  const { engine } = parts;
  const shares = new Map<string, number>();
  let inside = false;
  const explainWith =
    (ids: ReadonlyMap<string, string>, keysOf: KeysOf) =>
    (statement: Explainable): Promise<Planned> =>
      explain(parts, statement, { ids, keysOf });
  const existing = keysOfExisting(parts.relations.byOid.values());
  return {
    source: "model",
    explain: async (statement) => {
      if (inside) throw busy();
      return explainWith(new Map(), existing)(statement);
    },
    whatIf: async (change, plan) => {
      if (inside) throw busy();
      inside = true;
      try {
        await rememberShares(parts, change, shares);
        await engine.run("begin");
        const applied = await applyChange(parts, change, shares);
        await engine.run("savepoint explain");
        const keysOf = keysOfAll(existing, applied.ids, change.add);
        return await plan(explainWith(applied.ids, keysOf), applied.refused);
      } finally {
        await engine.run("rollback").finally(() => {
          inside = false;
        });
      }
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

function busy(): DoctorError {
  return modelFailed("The model answers one call at a time", undefined);
}

async function explain(
  parts: PlannerParts,
  statement: Explainable,
  names: { ids: ReadonlyMap<string, string>; keysOf: KeysOf },
): Promise<Planned> {
  const text = plannable(parts.parser, statement.planText);
  if (text === undefined)
    return { kind: "refused", because: "it is not one SELECT, INSERT, UPDATE, DELETE or MERGE" };
  try {
    const rows = await parts.engine.run(`explain (generic_plan, format json) ${text}`);
    const planned = plannedFrom(rows, names.ids);
    if (planned.kind === "refused" || parts.major >= SKIP_SCAN_SINCE) return planned;
    return reliesOnSkipScan(planned.plan, names.keysOf)
      ? { kind: "refused", because: "its plan skips a leading key column, which needs version 18" }
      : planned;
  } catch (error) {
    parts.engine.throwIfEnded();
    await recover(parts);
    return { kind: "refused", because: reason(sqlstateOf(error)) };
  }
}

/** The text of the one statement, without what could end the transaction that it is planned in. */
function plannable(parser: Parser, text: string): string | undefined {
  const statements = parser.parse(text);
  const [only] = statements ?? [];
  if (only === undefined || statements?.length !== 1) return undefined;
  return PLANNABLE.has(Object.keys(only.tree)[0] ?? "") ? only.text : undefined;
}

/** A statement that failed leaves a transaction aborted: back to where the indexes were made. */
async function recover(parts: PlannerParts): Promise<void> {
  await parts.engine.run("rollback to savepoint explain").catch(() => parts.engine.throwIfEnded());
}

function reason(sqlstate: string | undefined): string {
  switch (sqlstate) {
    case "42P01":
      return "it names a table that the model does not have";
    case "42703":
      return "it names a column that the model does not have";
    case "42883":
      return "it uses a function or operator that the model does not have";
    case "42P18":
    case "42P08":
      return "the type of a parameter cannot be told";
    default:
      return `the model's PostgreSQL refuses it${sqlstate === undefined ? "" : ` (SQLSTATE ${sqlstate})`}`;
  }
}

/** Rows that predicates leave, by the planner's own estimate, asked before anything is changed. */
async function rememberShares(
  parts: PlannerParts,
  change: IndexChange,
  shares: Map<string, number>,
): Promise<void> {
  for (const { relation, predicate } of change.add) {
    if (predicate === undefined) continue;
    for (const leaf of parts.relations.leaves(relation)) {
      const key = shareKey(leaf.relation.oid, predicate);
      if (shares.has(key)) continue;
      if (shares.size >= SHARES_MAX) shares.clear();
      shares.set(key, await shareOf(parts, leaf.relation, predicate));
    }
  }
}

async function shareOf(
  parts: PlannerParts,
  relation: Relation,
  predicate: string,
): Promise<number> {
  const table = quoteQualified([relation.schema, relation.name]);
  const rows = async (text: string): Promise<number> => {
    const names = { ids: new Map(), keysOf: () => undefined };
    const planned = await explain(parts, { id: "share", planText: text }, names);
    return planned.kind === "planned" ? planned.rows : Number.NaN;
  };
  const all = await rows(`select from only ${table}`);
  const left = await rows(`select from only ${table} where ${predicate}`);
  const share = left / Math.max(1, all);
  return Number.isFinite(share) ? Math.min(1, share) : 1;
}

function keysOfExisting(relations: Iterable<Relation>): KeysOf {
  const keys = new Map<string, readonly string[]>();
  for (const { indexes } of relations)
    for (const index of indexes)
      if (index.method === "btree")
        keys.set(
          index.name,
          index.keys.map(({ column, expression }) => column ?? expression ?? ""),
        );
  return (name) => keys.get(name);
}

function keysOfAll(
  existing: KeysOf,
  ids: ReadonlyMap<string, string>,
  candidates: readonly Candidate[],
): KeysOf {
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  return (name) => {
    const candidate = byId.get(ids.get(name) ?? "");
    if (candidate === undefined) return existing(name);
    if (candidate.method !== "btree") return undefined;
    return candidate.keys.map(({ column, sql }) => column ?? sql);
  };
}
