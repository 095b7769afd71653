/**
 * What recording adds to a statement that does not repeat in its trace, in this process's CPU time (its
 * collector included): the driver's own pool with and without `observe`, in the same kind of trace.
 */
import { observe } from "hasten/postgres";
import { traced } from "hasten/traces";
import pg from "pg";
import { AnsweringStream } from "./answering-stream.ts";

/** Different statements in one trace: a request of ordinary size. */
const TEXTS: readonly string[] = Array.from(
  { length: 8 },
  (_, n) => `select id, name as name_${n} from customers where id = $1`,
);
/** Traces at a time, so that the process does not sleep between two answers. */
const AT_A_TIME = 8;

export type Kind = "bare" | "recorded";
export interface Sampler {
  /** Mean microseconds of CPU for one statement. */
  sample(kind: Kind, traces: number): Promise<number>;
  close(): Promise<void>;
}

/** @param connectionString of a real server; undefined: answered within this process */
export function openSampler(connectionString?: string): Sampler {
  const where = connectionString === undefined ? { stream: answering } : { connectionString };
  const settings = { max: AT_A_TIME, min: AT_A_TIME, ...where } as pg.PoolConfig;
  const pools = { bare: new pg.Pool(settings), recorded: new pg.Pool(settings) };
  const seen = observe(pools.recorded);
  return {
    async sample(kind, traces) {
      const pool = pools[kind];
      const each = Math.ceil(traces / AT_A_TIME);
      const before = process.cpuUsage();
      await Promise.all(Array.from({ length: AT_A_TIME }, () => askAll(pool, each)));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / each / AT_A_TIME / TEXTS.length;
    },
    async close() {
      seen.close();
      await pools.bare.end();
      await pools.recorded.end();
    },
  };
}

const answering = (): AnsweringStream => new AnsweringStream();

async function askAll(pool: pg.Pool, traces: number): Promise<void> {
  for (let at = 0; at < traces; at++)
    await traced("bench", async () => {
      for (const text of TEXTS) await pool.query(text, [at % 1_000]);
    });
}
