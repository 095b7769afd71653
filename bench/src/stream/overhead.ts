/**
 * One process that reads without a cache, as many at once as keep it busy: the pool alone, or
 * watched and each read in a trace of its own. Prints its cost per query as JSON.
 */
import { openCoherence } from "hasten/postgres";
import pg from "pg";
import { inTrace, Trace } from "../../../packages/hasten/src/core/trace/index.ts";
import { nowMs } from "./clock.ts";

export interface OverheadSample {
  readonly cpuMicros: number;
  readonly queriesPerSecond: number;
  /** Tags seen in the last trace: a run that tracked nothing does not count. */
  readonly tags: number;
}

const [mode, url = "", secondsText = "2"] = process.argv.slice(2);
const seconds = Number(secondsText);
const CONNECTIONS = 8;
const AT_ONCE = 32;
const IDS = 20_000;
const TEXT = "select id, n, filler from load where id = $1";

const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, min: CONNECTIONS });
const coherence =
  mode === "watched" ? await openCoherence({ url, autoSetup: true, mode: "stream" }) : undefined;
coherence?.watch(pool);
let tags = 0;
let count = 0;

const bare = async (id: number): Promise<void> => {
  await pool.query(TEXT, [id]);
};
const watched = async (id: number): Promise<void> => {
  const trace = new Trace();
  await inTrace(trace, () => pool.query(TEXT, [id]));
  tags = trace.dependency().tags.length;
};
const read = coherence === undefined ? bare : watched;

async function during(millisecondsMax: number): Promise<void> {
  const endsMs = nowMs() + millisecondsMax;
  const lane = async (from: number): Promise<void> => {
    for (let id = from; nowMs() < endsMs; id += AT_ONCE) {
      await read(1 + (id % IDS));
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => lane(at)));
}

await during(1_000);
count = 0;
const before = process.cpuUsage();
const startedMs = nowMs();
await during(seconds * 1_000);
const elapsedMs = nowMs() - startedMs;
const { user, system } = process.cpuUsage(before);
const sample: OverheadSample = {
  cpuMicros: (user + system) / count,
  queriesPerSecond: (count * 1_000) / elapsedMs,
  tags,
};
await coherence?.close();
await pool.end();
console.log(JSON.stringify(sample));
