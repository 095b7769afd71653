/**
 * What recording adds to a statement that does not repeat in its trace, in this process's CPU time: the
 * driver's own pool with and without `observe`, in the same kind of trace, on a real server.
 */
import { observe } from "hasten/postgres";
import { traced } from "hasten/traces";
import pg from "pg";

/** Different statements in one trace: a request of ordinary size. */
const TEXTS: readonly string[] = Array.from(
  { length: 8 },
  (_, n) => `select id, name as name_${n} from customers where id = $1`,
);

export interface Costs {
  readonly bare: number[];
  readonly recorded: number[];
  readonly close: () => Promise<void>;
}

export type Sampler = (kind: "bare" | "recorded", traces: number) => Promise<number>;

export function openSampler(connectionString: string): { sample: Sampler; close(): Promise<void> } {
  const pools = {
    bare: new pg.Pool({ connectionString, max: 1 }),
    recorded: new pg.Pool({ connectionString, max: 1 }),
  };
  const seen = observe(pools.recorded);
  return {
    /** Mean microseconds of CPU for one statement. */
    async sample(kind, traces) {
      const pool = pools[kind];
      const before = process.cpuUsage();
      for (let at = 0; at < traces; at++)
        await traced("bench", async () => {
          for (const text of TEXTS) await pool.query(text, [at % 1_000]);
        });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / traces / TEXTS.length;
    },
    async close() {
      seen.close();
      await pools.bare.end();
      await pools.recorded.end();
    },
  };
}
