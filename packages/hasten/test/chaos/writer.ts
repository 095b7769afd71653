/** A service that knows nothing of hasten: plain `pg`, its own process. */
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { settingsOf, tell, type WriterSettings } from "./messages.ts";
import { seeded } from "./random.ts";
import { carryOut, randomPlan } from "./writes.ts";

process.on("disconnect", () => process.exit(0));

const { url, name, seed, writesPerSecond } = settingsOf<WriterSettings>();
const LANES = 3;
const FAILED_PAUSE_MS = 50;
const pool = new pg.Pool({ connectionString: url, max: LANES, connectionTimeoutMillis: 2_000 });
pool.on("error", () => undefined);
pool.on("connect", (client) => client.on("error", () => undefined));
const random = seeded(seed);
let stopping = false;
process.on("message", () => {
  stopping = true;
});

/** Several at once, so that one that hangs does not stop the others. */
await Promise.all(Array.from({ length: LANES }, lane));
await pool.end();
tell({ kind: "done" });
process.disconnect();

async function lane(): Promise<void> {
  while (!stopping) {
    const write = await carryOut(randomPlan(random), pool, name);
    if (write === undefined) tell({ kind: "rolled-back" });
    else tell({ kind: "wrote", write });
    const pauseMs = (2 * random.next() * 1_000 * LANES) / writesPerSecond;
    await delay(write?.resolvedAtMs === undefined ? pauseMs + FAILED_PAUSE_MS : pauseMs);
  }
}
