/**
 * One read: on a replica where that is right, else told why not.
 *
 * Invariants:
 * - A statement that a replica did not answer, for whatever reason that is the replica's, is left to
 *   the primary within the same time limit: nothing that it might have done there lasts.
 * - An error that the primary would give as well is the statement's own, and is thrown.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import type { AcquireLimit } from "../connections.ts";
import type { PgResult } from "../driver.ts";
import type { PostgresError } from "../errors.ts";
import { type RunFailure, runOn, type Surroundings, stateAfter } from "../session.ts";
import type { Statement } from "../sql.ts";
import { lessLoaded } from "./choose.ts";
import type { ReadableTexts } from "./readable.ts";
import type { Reader } from "./reader.ts";
import type { Opened, ReplicaServer } from "./replica-server.ts";

export interface ReadOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly name?: string | undefined;
  /** Made by the public call, where it is recorded. */
  readonly record?: QueryRecord | undefined;
}

export type Routed =
  | { readonly kind: "answered"; readonly result: PgResult }
  | { readonly kind: "primary"; readonly because: "noneReady" | "session" | "failed" };

/** The replica that this session is best served by now. */
export function chooseFor(
  servers: readonly ReplicaServer[],
  reader: Reader,
): ReplicaServer | "noneReady" | "session" {
  const ready = servers.filter(({ isReady }) => isReady);
  if (ready.length === 0) return "noneReady";
  const shown = ready.map((server) => ({ server, may: server.mayShow(reader) }));
  for (const wanted of ["yes", "maybe"] as const) {
    const fit = shown.filter(({ may }) => may === wanted);
    const chosen = lessLoaded(fit, ({ server }) => server.load);
    if (chosen !== undefined) return chosen.server;
  }
  return "session";
}

/** Opens a connection of the replica; a replica that cannot be reached is left out from now on. */
export async function openOn(
  server: ReplicaServer,
  reader: Reader,
  limit: AcquireLimit,
): Promise<Opened | { readonly kind: "failed" }> {
  try {
    return await server.open(reader, limit);
  } catch (error) {
    if (limit.signal?.aborted || codeOf(error) === "HST_PG_CLOSED") throw error;
    if (codeOf(error) === "HST_PG_UNAVAILABLE") server.lose(false);
    server.failed += 1;
    return { kind: "failed" };
  }
}

export interface RouteParts {
  readonly texts: ReadableTexts;
  readonly around: Surroundings;
}

/** Runs the statement on what was opened, and gives the connection back. */
export async function readOn(
  server: ReplicaServer,
  opened: Opened & { readonly kind: "open" },
  { statement, options, reader }: { statement: Statement; options: ReadOptions; reader: Reader },
  { texts, around }: RouteParts,
): Promise<Routed> {
  const { lease, seat } = opened;
  const settle = (state: "clean" | "broken"): void => {
    server.done(lease);
    lease.release(state);
  };
  const outcome = await runOn(
    lease,
    statement,
    { ...options, onLost: "rolled-back" },
    around,
  ).catch((error: unknown) => {
    settle("clean");
    throw error;
  });
  const failed = (): Routed => {
    server.failed += 1;
    return { kind: "primary", because: "failed" };
  };
  if (outcome.kind === "answered") {
    settle("clean");
    if (opened.left()) {
      server.left();
      return failed();
    }
    reader.usedReplica(seat);
    server.reads += 1;
    return { kind: "answered", result: outcome.result };
  }
  // 0A000 may be a plan of a table that has changed: this connection refuses the name from now on.
  const planIsOld = outcome.error.sqlstate === "0A000";
  settle(planIsOld ? "broken" : stateAfter(outcome.failure));
  if (outcome.failure === "dead") server.lose(false);
  if (!isReplicas(outcome)) throw outcome.error;
  if (ASKS_FOR_PRIMARY.has(outcome.error.sqlstate ?? "")) texts.refused(statement.text);
  return failed();
}

/** read_only_sql_transaction; object_not_in_prerequisite_state: "recovery is in progress". */
const ASKS_FOR_PRIMARY: ReadonlySet<string> = new Set(["25006", "55000"]);
/**
 * What the primary may answer differently: refused in recovery, cancelled by replay (40001, 40P01),
 * by an administrator (57), for want of resources (53), by a fault of the machine (58, XX), and names
 * that this server does not know yet (42, 3F).
 */
const REPLICAS = /^(25006|55000|0A000|40|42|3F|53|57|58|XX)/;

function isReplicas({ failure, error }: RunFailure): boolean {
  if (failure === "dead" || failure === "unsent") return true;
  if (failure === "given-up") return error.code === "HST_PG_UNAVAILABLE";
  if (failure === "driver" || error.code !== "HST_PG_STATEMENT") return false;
  return REPLICAS.test(error.sqlstate ?? "");
}

const codeOf = (error: unknown): PostgresError["code"] | undefined =>
  (error as { code?: PostgresError["code"] } | undefined)?.code;
