import { quoteIdentifier } from "hasten/postgres";
import { DoctorError } from "../errors.ts";
import { loadParser, type Parser } from "../parse/parse.ts";
import type { Session, Target } from "../target/types.ts";
import { guardAnalyze, guardPlan, type Verdict } from "./analyze.ts";
import { type Lookup, lookupOn } from "./lookup.ts";
import { recentLookup } from "./recent-lookup.ts";

export type Explained =
  /** What `EXPLAIN (FORMAT JSON)` prints, parsed. It holds the statement's own literals. */
  | { readonly kind: "planned"; readonly plan: unknown }
  | { readonly kind: "refused"; readonly because: string };

export interface ExplainOptions {
  /** Whether to execute it as well, within the guard. @default false */
  readonly analyze?: boolean;
}

/**
 * The plan of one statement, in a read-only transaction. With `analyze` only what the guard lets pass
 * is executed, and rolled back; without it, `$n` may stand in the text.
 * A superuser executes as pg_read_all_data, with row security as for anybody.
 * @throws DoctorError HST_DOCTOR_TARGET when the session is gone; what the server refuses is `refused`,
 *   with its SQLSTATE and never its text
 */
export async function explainQuery(
  target: Target,
  text: string,
  { analyze = false }: ExplainOptions = {},
): Promise<Explained> {
  try {
    const parser = await loadParser();
    const verdict = analyze
      ? await guardAnalyze(text, parser, lookupOn(target))
      : await mayPlan(target, text, parser);
    if (verdict.kind === "refused") return verdict;
    const plan = await target.transaction(
      async (tx) => {
        await prepareSession(tx, target, analyze);
        if (analyze) return planBy(tx, `${ANALYZE} ${verdict.text}`);
        if (verdict.parameters === 0) return planBy(tx, `${PLAN} ${verdict.text}`);
        return target.major >= GENERIC_PLAN_SINCE
          ? planBy(tx, `${GENERIC} ${verdict.text}`)
          : planPrepared(tx, verdict);
      },
      analyze ? "rollback" : "commit",
    );
    return { kind: "planned", plan };
  } catch (cause) {
    if (!(cause instanceof DoctorError) || cause.code !== "HST_DOCTOR_STATEMENT") throw cause;
    return {
      kind: "refused",
      because: `the server refused it (SQLSTATE ${cause.sqlstate ?? "unknown"})`,
    };
  }
}

/**
 * Whether the target may plan a text. Planning runs immutable functions: as a superuser none that the
 * database's users wrote.
 */
export function mayPlan(target: Target, text: string, parser: Parser): Promise<Verdict> {
  return guardPlan(text, parser, target.rights.superuser ? lookupFor(target) : undefined);
}

const lookups = new WeakMap<Target, Lookup>();

function lookupFor(target: Target): Lookup {
  const known = lookups.get(target) ?? recentLookup(lookupOn(target));
  lookups.set(target, known);
  return known;
}

const ANALYZE = "explain (analyze, buffers, verbose, settings, format json)";
const PLAN = "explain (verbose, settings, format json)";
const GENERIC = "explain (generic_plan, verbose, settings, format json)";
const GENERIC_PLAN_SINCE = 16;
const PREPARED = "hasten_doctor_plan";

async function prepareSession(tx: Session, target: Target, analyze: boolean): Promise<void> {
  // The parser here reads literals by the standard; the server must not read them otherwise.
  await tx.simple("set local standard_conforming_strings = on");
  // The path that was looked at. A pooler's session may have another one, or temporary tables.
  const path = [...target.searchPath.map(quoteIdentifier), "pg_temp"].join(", ");
  await tx.simple(`set local search_path = ${path}`);
  if (analyze && target.rights.superuser) await tx.simple("set local role pg_read_all_data");
}

async function planBy(tx: Session, text: string): Promise<unknown> {
  const [row] = await tx.simple<{ "QUERY PLAN": unknown }>(text);
  return row?.["QUERY PLAN"];
}

/** Before 16: a prepared statement outlives a rollback, so it is taken away whatever happens. */
async function planPrepared(
  tx: Session,
  { text, parameters }: Extract<Verdict, { kind: "allowed" }>,
): Promise<unknown> {
  await tx.simple("set local plan_cache_mode = force_generic_plan");
  await tx.simple(`prepare ${PREPARED} as ${text}`);
  await tx.simple("savepoint planned");
  try {
    const nulls = Array.from({ length: parameters }, () => "null").join(", ");
    return await planBy(tx, `${PLAN} execute ${PREPARED}(${nulls})`);
  } finally {
    await tx.simple("rollback to savepoint planned").catch(() => undefined);
    await tx.simple(`deallocate ${PREPARED}`).catch(() => undefined);
  }
}
