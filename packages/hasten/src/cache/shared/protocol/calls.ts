import type { RedisReply } from "../../../redis/index.ts";
import { logCalls } from "./log-calls.ts";
import { entryGlob, keyName, textOf } from "./names.ts";
import { readCalls } from "./read-calls.ts";
import { listOf, numberIn, runIdOf, textIn, wholeMs } from "./replies.ts";
import { extend as extendScript, release as releaseScript } from "./scripts.generated.ts";
import type { ScanPage, Shard, ShardCalls } from "./types.ts";
import { writeCalls } from "./write-calls.ts";

/** Every operation on one shard. */
export function shardCalls(shard: Shard): ShardCalls {
  return {
    ...readCalls(shard),
    ...writeCalls(shard),
    ...logCalls(shard),
    ...leaseCalls(shard),
    ...scanCalls(shard),
  };
}

function leaseCalls(shard: Shard): Pick<ShardCalls, "extend" | "release"> {
  const { link, space } = shard;
  const keys = [`${space}clk`];
  return {
    async extend(key, holder, leaseMs) {
      const values = [keyName(key), holder, wholeMs(leaseMs)];
      return numberIn("EXTEND", await link.script(extendScript, keys, values)) === 1;
    },
    async release(key, holder, wake) {
      const values = [runIdOf(shard), keyName(key), holder, wake, String(shard.logMax)];
      return numberIn("RELEASE", await link.script(releaseScript, keys, values)) === 1;
    },
  };
}

function scanCalls(shard: Shard): Pick<ShardCalls, "scanPage" | "databaseSize"> {
  const { link, space } = shard;
  return {
    async scanPage(cursor, glob, count): Promise<ScanPage> {
      const words = ["SCAN", cursor, "MATCH", entryGlob(space, glob), "COUNT", String(count)];
      const [next, names] = listOf("SCAN", await link.call(words));
      return { cursor: textIn("SCAN", next), keys: listOf("SCAN", names).map(keyIn) };
    },
    async databaseSize() {
      return numberIn("DBSIZE", await link.call(["DBSIZE"]));
    },
  };

  function keyIn(reply: RedisReply): string {
    return textOf(textIn("SCAN", reply).slice(space.length));
  }
}
