/**
 * Writes as a service would make them: one statement, a transaction, one that is rolled back, one
 * with a savepoint; by whatever connection it is given, and told to the oracle as they turned out.
 */
import type pg from "pg";
import { nowMs } from "./clock.ts";
import type { Change, Write } from "./oracle.ts";
import type { Random } from "./random.ts";
import { accountOf, STEADY, TEAMS, teamOf, VOLATILE } from "./schema.ts";

export type Step =
  | { readonly kind: "bump"; readonly id: number }
  | { readonly kind: "move"; readonly id: number; readonly team: number }
  | { readonly kind: "team"; readonly id: number }
  /** Of a volatile row; null deletes it. */
  | { readonly kind: "put"; readonly id: number; readonly team: number | null };

export interface Plan {
  readonly mode: "statement" | "commit" | "rollback" | "savepoint";
  readonly asynchronous: boolean;
  readonly steps: readonly Step[];
}

const MODES = ["statement", "statement", "commit", "commit", "savepoint", "rollback"] as const;
const STEPS_MAX = 4;

export function randomPlan(random: Random): Plan {
  const mode = random.pick(MODES);
  const asynchronous = mode !== "statement" && random.next() < 0.2;
  if (mode === "statement") return { mode, asynchronous, steps: [randomStep(random, false)] };
  const steps = Array.from({ length: random.upTo(STEPS_MAX) }, () => randomStep(random, true));
  // Rows are locked in one order by everyone: nothing waits in a circle.
  return { mode, asynchronous, steps: steps.sort((one, other) => order(one) - order(other)) };
}

function randomStep(random: Random, inTransaction: boolean): Step {
  const kind = random.pick(["bump", "move", "team", "put"] as const);
  const team = random.upTo(TEAMS);
  if (kind === "team") return { kind, id: team };
  if (kind === "put" && inTransaction) {
    return { kind, id: STEADY + random.upTo(VOLATILE), team: random.next() < 0.5 ? null : team };
  }
  const id = random.upTo(STEADY);
  return kind === "move" ? { kind, id, team } : { kind: "bump", id };
}

const order = (step: Step): number => (step.kind === "team" ? 10_000 : 0) + step.id;

/** Carries the plan out. Resolves with what the oracle must know; undefined if nothing was written. */
export async function carryOut(
  plan: Plan,
  pool: pg.Pool,
  processName: string,
): Promise<Write | undefined> {
  const { asynchronous } = plan;
  const startedAtMs = nowMs();
  const base = { process: processName, startedAtMs, asynchronous };
  if (plan.mode === "statement") {
    const step = plan.steps[0]!;
    try {
      const change = await run(step, pool);
      return { ...base, resolvedAtMs: nowMs(), changes: [change] };
    } catch (error) {
      if (wasRefused(error)) return undefined;
      return { ...base, resolvedAtMs: undefined, changes: unknownChanges([step]) };
    }
  }
  return transaction(plan, pool, base);
}

/** The server says that the statement did nothing: on a session of a pooler, names mean a view. */
function wasRefused(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === "string" && /^(?:42|55)...$/.test(code);
}

/** What may have been written, where the answer was lost. */
export function unknownWrite(plan: Plan, processName: string, startedAtMs: number): Write {
  const { asynchronous } = plan;
  const changes = plan.mode === "rollback" ? [] : unknownChanges(plan.steps);
  return { process: processName, startedAtMs, resolvedAtMs: undefined, asynchronous, changes };
}

type Base = Omit<Write, "resolvedAtMs" | "changes">;

async function transaction(plan: Plan, pool: pg.Pool, base: Base): Promise<Write | undefined> {
  const client = await pool.connect().catch(() => undefined);
  if (client === undefined) return undefined;
  const changes = new Map<string, Change>();
  let committing = false;
  try {
    await client.query("begin");
    if (plan.asynchronous) await client.query("set local synchronous_commit = off");
    for (const [at, step] of plan.steps.entries()) {
      const undone = plan.mode === "savepoint" && at % 2 === 1;
      if (undone) await client.query("savepoint step");
      const change = await run(step, client);
      if (undone) await client.query("rollback to savepoint step");
      else changes.set(change.row, change);
    }
    committing = plan.mode !== "rollback";
    await client.query(committing ? "commit" : "rollback");
    const resolvedAtMs = nowMs();
    client.release();
    return committing ? { ...base, resolvedAtMs, changes: [...changes.values()] } : undefined;
  } catch (error) {
    client.release(error as Error);
    if (!committing) return undefined;
    return { ...base, resolvedAtMs: undefined, changes: [...changes.values()] };
  }
}

interface Querying {
  query(text: string, values: readonly unknown[]): Promise<pg.QueryResult>;
}

async function run(step: Step, on: Querying): Promise<Change> {
  const version = (result: pg.QueryResult): number => Number(result.rows[0].version);
  switch (step.kind) {
    case "bump": {
      const text =
        "update accounts set version = version + 1 where id = $1 returning version, team";
      const result = await on.query(text, [step.id]);
      return { row: accountOf(step.id), version: version(result), state: `${result.rows[0].team}` };
    }
    case "move": {
      const text =
        "update accounts set version = version + 1, team = $2 where id = $1 returning version";
      const result = await on.query(text, [step.id, step.team]);
      return { row: accountOf(step.id), version: version(result), state: `${step.team}` };
    }
    case "team": {
      const text = "update teams set version = version + 1 where id = $1 returning version";
      return {
        row: teamOf(step.id),
        version: version(await on.query(text, [step.id])),
        state: "team",
      };
    }
    case "put":
      return put(step.id, step.team, on);
    default:
      return step satisfies never;
  }
}

async function put(id: number, team: number | null, on: Querying): Promise<Change> {
  const text = "update ledger set version = version + 1 where id = $1 returning version";
  const version = Number((await on.query(text, [id])).rows[0].version);
  if (team === null) {
    await on.query("delete from accounts where id = $1", [id]);
    return { row: accountOf(id), version, state: null };
  }
  await on.query(
    `insert into accounts values ($1, $2, $3) on conflict (id)
       do update set team = excluded.team, version = excluded.version`,
    [id, team, version],
  );
  return { row: accountOf(id), version, state: `${team}` };
}

/** Only what could put a row elsewhere: a version that grew explains no absence. */
function unknownChanges(steps: readonly Step[]): Change[] {
  return steps.flatMap((step) => {
    if (step.kind === "bump" || step.kind === "team") return [];
    const state = step.team === null ? null : `${step.team}`;
    return [{ row: accountOf(step.id), version: undefined, state }];
  });
}
