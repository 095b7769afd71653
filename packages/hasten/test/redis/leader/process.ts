/**
 * One process of a run: reads cached rows and writes now and then, and tells what it saw. Forked;
 * ends with its parent.
 */
import { setTimeout as delay } from "node:timers/promises";
import { createCache } from "hasten/cache";
import { openCoherence } from "hasten/postgres";
import pg from "pg";
import { nowMs } from "../../chaos/clock.ts";
import type { Read, Write } from "../../chaos/oracle.ts";
import type { FromProcess, Settings, ToProcess } from "./fleet.ts";

process.env["NODE_ENV"] = "test";
process.on("disconnect", () => process.exit(0));

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;
const { url, redisUrl, name, boundMs, rows, readEveryMs, writeEveryMs } = settings;

const cache = createCache({ name: "fleet", tracked: true, redis: redisUrl });
const coherence = await openCoherence({
  url,
  boundMs,
  mode: "stream",
  retryMs: 1_000,
  shared: cache.shared,
  caches: [cache],
});
const bare = new pg.Pool({ connectionString: url, max: 4, query_timeout: 8_000 });
bare.on("error", () => undefined);
bare.on("connect", (client) => client.on("error", () => undefined));
const pool = coherence.watch(bare);
const key = cache.key("item", (id: number) => [id]).of<number>();

let reads: Read[] = [];
let writes: Write[] = [];
let loads = 0;
let errors = 0;
let running = true;

async function read(id: number): Promise<void> {
  const startedAtMs = nowMs();
  let loaded = false;
  const version = await cache.getOrSet(
    key(id),
    async () => {
      loaded = true;
      loads += 1;
      const found = await pool.query("select version from items where id = $1", [id]);
      return Number(found.rows[0].version);
    },
    { ttlMs: 3_600_000 },
  );
  const row = String(id);
  reads.push({
    process: name,
    path: row,
    startedAtMs,
    endedAtMs: nowMs(),
    question: { kind: "row", row },
    rows: [[row, version]],
    hit: !loaded,
  });
}

async function write(id: number): Promise<void> {
  const startedAtMs = nowMs();
  const unknown = { row: String(id), version: undefined, state: "" };
  const common = { process: name, startedAtMs, asynchronous: false };
  try {
    const text = "update items set version = version + 1 where id = $1 returning version";
    const version = Number((await pool.query(text, [id])).rows[0].version);
    const changes = [{ row: String(id), version, state: "" }];
    writes.push({ ...common, resolvedAtMs: nowMs(), changes });
  } catch {
    writes.push({ ...common, resolvedAtMs: undefined, changes: [unknown] });
  }
}

async function every(ms: number, work: (id: number) => Promise<void>): Promise<void> {
  if (ms === 0) return;
  while (running) {
    await work(1 + Math.floor(Math.random() * rows)).catch(() => {
      errors += 1;
    });
    await delay(ms);
  }
}

function report(): void {
  const { state, promise } = coherence.status();
  const said: FromProcess = { kind: "seen", reads, writes, loads, errors, state, promise };
  [reads, writes] = [[], []];
  if (process.connected) process.send?.(said, () => undefined);
}

const telling = setInterval(report, 100);
const loops = Promise.all([
  every(readEveryMs, read),
  every(readEveryMs, read),
  every(writeEveryMs, write),
]);
process.on("message", async (message: ToProcess) => {
  if (message.kind === "hand-over") await coherence.handOver();
  if (message.kind !== "close") return;
  // As an application ends that is told to: no more requests, then the coherence, then the rest.
  running = false;
  await loops;
  await coherence.close();
  await bare.end();
  await cache.close();
  clearInterval(telling);
  report();
  process.send?.({ kind: "closed" } satisfies FromProcess, () => process.disconnect());
});
process.send?.({ kind: "ready" } satisfies FromProcess);
