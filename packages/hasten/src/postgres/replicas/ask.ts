/** Questions to one server on a connection reserved for them, so that a busy pool delays no answer. */
import { untraced } from "../../core/trace/index.ts";
import type { Connections } from "../connections.ts";
import { PostgresError } from "../errors.ts";
import { sqlstateOf } from "../failures.ts";
import type { Lease, RunLimit } from "../lease.ts";
import { factsOf, POSITION_SQL, type ServerFacts, SYSTEM_SQL } from "./server-facts.ts";

type Row = Readonly<Record<string, unknown>>;

/** Asks on a connection that was taken already. Rejects when it fails or is late; the lease is broken then. */
export async function askOn(lease: Lease, timeoutMs: number): Promise<ServerFacts> {
  const row = await rowOf(lease, POSITION_SQL, timeoutMs);
  const system = await rowOf(lease, SYSTEM_SQL, timeoutMs).catch((error: unknown) => {
    if (sqlstateOf(error) === undefined) throw error;
    return undefined;
  });
  return factsOf(row ?? {}, system);
}

/** How far the server is, alone. */
export async function positionOn(lease: Lease, timeoutMs: number): Promise<ServerFacts> {
  return factsOf((await rowOf(lease, POSITION_SQL, timeoutMs)) ?? {}, undefined);
}

/** Takes the reserved connection, asks, and gives it back; one that failed is not used again. */
export async function askThrough<T>(
  connections: Connections,
  timeoutMs: number,
  ask: (lease: Lease, timeoutMs: number) => Promise<T>,
): Promise<T> {
  const lease = await connections.acquire({ timeoutMs });
  try {
    const answer = await ask(lease, timeoutMs);
    lease.release("clean");
    return answer;
  } catch (error) {
    lease.release("broken");
    throw error;
  }
}

async function rowOf(lease: Lease, text: string, timeoutMs: number): Promise<Row | undefined> {
  const limit: RunLimit = { timeoutMs, onTimeout: () => late(timeoutMs) };
  const statement = { text, values: [], queryMode: "extended" } as const;
  // Asked for hasten itself: no answer of the application is made of it.
  const { rows } = await untraced(() => lease.run(statement, limit));
  return rows[0] as Row | undefined;
}

const late = (timeoutMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `The server did not say within ${timeoutMs} ms how far it is.`,
    fix: "Check the server and the network; hasten asks again by itself.",
  });
