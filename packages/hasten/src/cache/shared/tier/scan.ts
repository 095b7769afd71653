/**
 * Deletes every key that matches a glob: a walk over all keys of the servers.
 *
 * Invariants: a page at a time, each deleted like any other invalidation (told to every process)
 * before the next is asked for; stops when told to, at `max`, and when Redis cannot be asked.
 */
import type { InvalidationLog } from "../../../core/invalidation-log.ts";
import { number } from "../../bounds.ts";
import { parseGlob } from "../../groups/glob.ts";
import type { ScanJob, ScanProgress } from "../port.ts";
import type { TierShard } from "./shard.ts";

export interface ScanParts {
  readonly cache: string;
  readonly shards: readonly TierShard[];
  readonly log: Pick<InvalidationLog, "publish">;
}

const NONE: readonly string[] = [];

export async function* scan(
  { cache, shards, log }: ScanParts,
  pattern: string,
  { pageSize = 500, max = 1_000_000, signal }: ScanJob,
): AsyncGenerator<ScanProgress> {
  const glob = parseGlob(pattern);
  const count = Math.floor(number("pageSize", pageSize, 1, 10_000));
  number("max", max, 1, Number.MAX_SAFE_INTEGER);
  let scanned = 0;
  let deleted = 0;
  for (const [index, { calls }] of shards.entries()) {
    const there = Math.max(1, await calls.databaseSize());
    let looked = 0;
    let cursor = "0";
    do {
      signal?.throwIfAborted();
      const page = await calls.scanPage(cursor, glob.wide, count);
      cursor = page.cursor;
      looked += count;
      scanned += count;
      const keys = page.keys.filter((key) => glob.matches(key)).slice(0, max - deleted);
      if (keys.length > 0) {
        await log.publish({ cache, how: "deleted", keys, tags: NONE, prefixes: NONE });
        deleted += keys.length;
      }
      const end = cursor === "0" || deleted >= max;
      const done = deleted >= max || (end && index === shards.length - 1);
      const share = end ? 1 : Math.min(1, looked / there);
      yield {
        scanned,
        deleted,
        percent: done ? 100 : (100 * (index + share)) / shards.length,
        done,
      };
      if (deleted >= max) return;
    } while (cursor !== "0");
  }
}
