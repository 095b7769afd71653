/** Opens a database: its pool, and the coherence that drops what changes in it make untrue. */
import type { Cache } from "hasten/cache";
import {
  type CoherenceEvent,
  createDatabase,
  openCoherence,
  type PoolWatchOptions,
  poolEventLine,
  poolLine,
} from "hasten/postgres";
import type { Config, StorageMode } from "../config/index.ts";
import type { Opened } from "../storage/index.ts";
import type { Log } from "./log.ts";

interface Parts {
  readonly config: Config;
  readonly cache: Cache;
  readonly log: Log;
}

const DRAIN_MS = 800;
/** Writes wait while a switch opens the new database: less than they may wait. */
const START_MS = 3_000;
const POOL_LOG_EVERY_MS = 60_000;

/** Each database has a coherence of its own: what was read from one is never trusted by another's changes. */
export function databaseOpener({ config, cache, log }: Parts) {
  return async (url: string, mode: StorageMode): Promise<Opened> => {
    const { boundMs, heartbeatMs, setup } = config.coherence;
    const directUrl = mode === "postgres" ? config.databaseDirectUrl : undefined;
    // What it starts with is told by whoever opens it, and its end is no news.
    let open = false;
    const coherence = await openCoherence({
      url,
      directUrl,
      caches: [cache],
      // One process reads the changes for all that share a Redis.
      shared: cache.shared,
      mode: config.cache.enabled ? "auto" : "ttl",
      autoSetup: setup,
      boundMs,
      heartbeatMs,
      startMs: START_MS,
      onEvent: (event) => {
        const sentence = open ? sentenceOf(event) : undefined;
        if (sentence !== undefined) log.info(sentence);
      },
    });
    open = true;
    const database = createDatabase({
      url,
      directUrl,
      pool: config.pool,
      statementTimeoutMs: config.statementTimeoutMs,
      drainTimeoutMs: DRAIN_MS,
      applicationName: "metrics-api",
      poolWatch: poolLog(log),
    });
    coherence.watch(database.pool);
    return {
      database,
      coherence: () => coherence.status(),
      async close() {
        open = false;
        // Writes that are still under way are told of through it.
        await database.drain();
        await coherence.close();
      },
    };
  };
}

/** The pool every minute, and at once who waits and what is not given back. */
function poolLog(log: Log): PoolWatchOptions {
  return {
    logEveryMs: POOL_LOG_EVERY_MS,
    onReport: (report) => log.info(poolLine(report)),
    onEvent(event) {
      // Each caller that got no connection is told as its request's error, and counted in the report.
      if ("because" in event) return;
      if (event.kind === "waiting-ended" || event.kind === "leak-returned")
        log.info(poolEventLine(event));
      else log.warn(poolEventLine(event));
    },
  };
}

/** Undefined: each attempt to connect again is not worth a line, the state says enough. */
function sentenceOf({ kind, detail }: CoherenceEvent): string | undefined {
  switch (kind) {
    case "state":
      return detail === "live"
        ? "cached answers are confirmed again"
        : `cached answers are not confirmed, coherence is ${detail}`;
    case "mode":
      return `cached answers follow the database by: ${detail}`;
    case "stream":
      return undefined;
    default:
      return `coherence, ${kind}: ${detail}`;
  }
}
