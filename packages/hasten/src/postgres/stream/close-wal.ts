import { setTimeout as delay } from "node:timers/promises";
import type { PlainLink } from "./plain-link.ts";
import type { WalLink } from "./wal-link.ts";

const BUSY_MS = 200;
const TERMINATE = "select pg_terminate_backend($1::int, 1000)::text";

/** A server process that is busy, or waits, does not read that it should end: it is told by another. */
export async function closeWal(wal: WalLink, looker: PlainLink): Promise<void> {
  const closing = wal.close().then(() => true);
  const patience = delay(BUSY_MS, false, { ref: false });
  if (await Promise.race([closing, patience])) return;
  const told = looker.run("hasten_end", TERMINATE, [String(wal.processId)]);
  // On a connection that hangs nothing is answered, and closing has a bound of its own.
  await Promise.race([told.catch(() => undefined), closing]);
  await closing;
}
