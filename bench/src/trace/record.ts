/** The record by itself, without the driver: called, sent, ended, in a trace of eight different statements. */
import { systemClock } from "../../../packages/hasten/src/core/clock.ts";
import { inTrace, Trace } from "../../../packages/hasten/src/core/trace/index.ts";
import {
  bytesReadOf,
  recordCall,
  recordEnded,
  recordSent,
} from "../../../packages/hasten/src/postgres/recording/record.ts";

const TEXTS: readonly string[] = Array.from(
  { length: 8 },
  (_, n) => `select id, name as name_${n} from customers where id = $1`,
);

/** Mean nanoseconds of CPU for one statement; `client` is a connected one of the driver. */
export function recordNs(client: object, traces: number): number {
  const before = process.cpuUsage();
  for (let at = 0; at < traces; at++)
    inTrace(new Trace(systemClock), () => {
      for (const text of TEXTS) {
        const record = recordCall(systemClock, text, [at]);
        recordSent(record, systemClock.nowMs(), bytesReadOf(client));
        const bytesRead = bytesReadOf(client);
        recordEnded(record, { nowMs: systemClock.nowMs(), bytesRead, rows: 1, database: "bench" });
      }
    });
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / traces / TEXTS.length;
}
