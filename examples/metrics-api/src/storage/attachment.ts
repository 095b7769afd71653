/**
 * Who uses a storage.
 *
 * Invariants:
 * - every process that serves from a database holds a shared advisory lock in it, on a connection of its own;
 * - a switch takes the same lock alone in both databases: it gets it only when no other process is attached,
 *   and while it holds it no other process can attach;
 * - an attachment that lost its connection attaches again by itself; until then it cannot be made exclusive.
 */

import { setTimeout as delay } from "node:timers/promises";
import { untraced } from "hasten/express";
import pg from "pg";

export interface Attachment {
  /** `alone`: no other process is attached, and none can attach until `shared` or `release`. */
  exclusive(): Promise<"alone" | "others" | "lost">;
  shared(): Promise<void>;
  release(): Promise<void>;
}

/** "metrics-api" and "storage", folded to the two integers an advisory lock is named by. */
const LOCK = [1_836_348_521, 1_937_010_546] as const;
const CONNECT_TIMEOUT_MS = 5_000;
const ATTACH_EVERY_MS = 1_000;
export const APPLICATION_NAME = "metrics-api attachment";

/** @throws when the server cannot be reached, or when another process is switching this storage. */
export async function attach(url: string): Promise<Attachment> {
  let client = await connect(url);
  let released = false;
  let healthy = true;

  const lost = async (): Promise<void> => {
    healthy = false;
    while (!released) {
      await delay(ATTACH_EVERY_MS, undefined, { ref: false });
      if (released) return;
      try {
        client = await connect(url);
        client.on("error", onLost);
        healthy = true;
        return;
      } catch {
        // The server is still away: the requests say so, this only waits.
      }
    }
  };
  // In the background, while requests are answered: none of them depends on it.
  function onLost(): void {
    void untraced(lost);
  }
  client.on("error", onLost);

  return {
    async exclusive() {
      if (!healthy) return "lost";
      return (await lock(client, "pg_try_advisory_lock")) ? "alone" : "others";
    },
    async shared() {
      if (healthy) await unlock(client, "pg_advisory_unlock");
    },
    async release() {
      released = true;
      if (healthy) await client.end().catch(() => undefined);
    },
  };
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    if (await lock(client, "pg_try_advisory_lock_shared")) return client;
    throw new Error("another process is switching this storage; start again when it has finished");
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function lock(
  client: pg.Client,
  how: "pg_try_advisory_lock" | "pg_try_advisory_lock_shared",
): Promise<boolean> {
  const { rows } = await client.query<{ got: boolean }>(`select ${how}($1, $2) as got`, [...LOCK]);
  return rows[0]?.got === true;
}

async function unlock(client: pg.Client, how: "pg_advisory_unlock"): Promise<void> {
  await client.query(`select ${how}($1, $2)`, [...LOCK]);
}
