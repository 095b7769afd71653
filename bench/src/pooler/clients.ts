/** Clients that think and then do one short transaction, all through one Database. */
import { setTimeout as delay } from "node:timers/promises";
import { createDatabase, type Database, sql } from "hasten/postgres";

export interface Load {
  readonly clients: number;
  /** Mean time between a client's transactions, exponentially spread. */
  readonly thinkMs: number;
  readonly forMs: number;
}

export interface Samples {
  /** From the call of db.transaction to the first line of its work: connection, server connection, BEGIN. */
  readonly acquireMs: readonly number[];
  readonly transactionMs: readonly number[];
}

/** A Database with a connection for each client, all open. */
export async function openClients(url: string, clients: number): Promise<Database> {
  const patienceMs = 120_000;
  const db = createDatabase({
    url,
    pool: {
      min: 0,
      max: clients,
      idleMs: 3_600_000,
      acquireTimeoutMs: patienceMs,
      connectTimeoutMs: patienceMs,
    },
    healthEveryMs: 0,
  });
  // The first one tells what stands in between.
  await db.query(sql`select 1`);
  const open = await Promise.all(Array.from({ length: clients }, () => db.pool.connect()));
  for (const client of open) client.release();
  return db;
}

export async function runClients(db: Database, load: Load): Promise<Samples> {
  const acquireMs: number[] = [];
  const transactionMs: number[] = [];
  const endMs = performance.now() + load.forMs;
  const client = async (): Promise<void> => {
    // Not all at the same moment.
    await delay(Math.random() * load.thinkMs);
    while (performance.now() < endMs) {
      const calledMs = performance.now();
      await db.transaction(async (tx) => {
        acquireMs.push(performance.now() - calledMs);
        await tx.query(sql`select balance from accounts where id = ${pick()}`);
      });
      transactionMs.push(performance.now() - calledMs);
      const thinkMs = -Math.log(1 - Math.random()) * load.thinkMs;
      // Who thinks beyond the end is not waited for.
      await delay(Math.min(thinkMs, Math.max(0, endMs - performance.now())));
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  return { acquireMs, transactionMs };
}

export const ROWS = 10_000;
const pick = (): number => 1 + Math.floor(Math.random() * ROWS);

export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
