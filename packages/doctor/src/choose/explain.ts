import type { Explainable } from "../model/types.ts";

/** Sends exactly one statement by the simple protocol, which a text with `$1` needs. */
export type Ask = (text: string) => Promise<readonly object[]>;

/** From this version on `EXPLAIN (GENERIC_PLAN)` plans `$1` without a value. */
const GENERIC_PLAN_MAJOR = 16;
const PREPARED = "hasten_doctor_explain";

export interface ServerExplain {
  readonly ask: Ask;
  readonly major: number;
  /** Number of parameters of a statement: the highest `$n`. */
  readonly parameters: (statement: Explainable) => number;
}

/**
 * The plan of a statement that is not run, inside the transaction that the caller has opened.
 * The caller has made sure that the text is one statement. Errors are the caller's.
 */
export async function explainOnServer(
  server: ServerExplain,
  statement: Explainable,
): Promise<readonly object[]> {
  const count = server.parameters(statement);
  if (count === 0) return server.ask(`explain (format json) ${statement.planText}`);
  if (server.major >= GENERIC_PLAN_MAJOR)
    return server.ask(`explain (generic_plan, format json) ${statement.planText}`);
  await server.ask("set local plan_cache_mode = force_generic_plan");
  await server.ask(`prepare ${PREPARED} as ${statement.planText}`);
  await server.ask("savepoint prepared");
  try {
    const values = Array.from({ length: count }, () => "null").join(", ");
    return await server.ask(`explain (format json) execute ${PREPARED}(${values})`);
  } finally {
    // A name that was prepared outlives the transaction, a failed statement would keep it there.
    await server.ask("rollback to savepoint prepared");
    await server.ask(`deallocate ${PREPARED}`);
  }
}
