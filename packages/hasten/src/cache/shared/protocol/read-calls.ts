import type { RedisArgument, RedisReply } from "../../../redis/index.ts";
import { prefixesOf } from "../../fence.ts";
import { clockReader } from "./clock-record.ts";
import { replyUnexpected } from "./errors.ts";
import { type Bench, judgeLook, type Look } from "./looks.ts";
import { entryName, keyName, prefixName, tagName } from "./names.ts";
import { listOf, numberIn, wholeMs } from "./replies.ts";
import { lease as leaseScript, read as readScript } from "./scripts.generated.ts";
import type { LeaseRequest, ReadAnswer, Shard, ShardCalls } from "./types.ts";

const NONE: readonly string[] = [];
/** Index of the first record in the reply of an MGET. */
const RECORDS_AT = 2;

type ReadCalls = Pick<ShardCalls, "readDeclared" | "readFull" | "readMany" | "lease">;

export function readCalls(shard: Shard): ReadCalls {
  const { link, space } = shard;
  const clockKey = `${space}clk`;
  const readClock = clockReader();
  const bench = (): Bench => ({
    readClock,
    runId: link.server?.runId,
    nowRedisMs: shard.redisNowMs(),
  });

  /** Of a script that ends in `look`: its reply from an index on. */
  const looked = (
    reply: readonly RedisReply[],
    at: number,
    asked: { readonly prefixes: readonly string[]; readonly declared: readonly string[] },
  ): ReadAnswer => {
    const look: Look = {
      ...asked,
      clock: reply[at],
      entry: reply[at + 1],
      records: listOf("a read", reply[at + 2]),
      recordsAt: 0,
      tagRecords: listOf("a read", reply[at + 3]),
    };
    return judgeLook(look, bench());
  };

  const namesOf = (prefixes: readonly string[], declared: readonly string[]): RedisArgument[] => [
    ...prefixes.map(prefixName),
    ...declared.map(tagName),
  ];

  return {
    async readDeclared(key, declared = NONE) {
      const prefixes = prefixesOf(key);
      const words: RedisArgument[] = ["MGET", clockKey, space + entryName(key)];
      for (const prefix of prefixes) words.push(space + prefixName(prefix));
      for (const tag of declared) words.push(space + tagName(tag));
      const reply = listOf("MGET", await link.call(words));
      if (reply.length !== words.length - 1) throw shortReply(reply.length);
      const [clock, entry] = reply;
      const look: Look = {
        clock,
        entry,
        prefixes,
        declared,
        records: reply,
        recordsAt: RECORDS_AT,
        tagRecords: undefined,
      };
      return judgeLook(look, bench());
    },
    async readFull(key, declared = NONE) {
      const prefixes = prefixesOf(key);
      const values = [entryName(key), ...namesOf(prefixes, declared)];
      const reply = await link.script(readScript, [clockKey], values);
      return looked(listOf("READ", reply), 0, { prefixes, declared });
    },
    readMany: readManyCall(shard, clockKey, bench),
    async lease({ key, holder, leaseMs, declared }: LeaseRequest) {
      const prefixes = prefixesOf(key);
      const values = [keyName(key), holder, wholeMs(leaseMs), ...namesOf(prefixes, declared)];
      const reply = listOf("LEASE", await link.script(leaseScript, [clockKey], values));
      return {
        mine: numberIn("LEASE", reply[0]) === 1,
        leftMs: numberIn("LEASE", reply[1]),
        read: looked(reply, 2, { prefixes, declared }),
      };
    },
  };
}

function readManyCall(shard: Shard, clockKey: string, bench: () => Bench): ShardCalls["readMany"] {
  const { link, space } = shard;
  return async (keys) => {
    const words: RedisArgument[] = ["MGET", clockKey];
    const at: number[] = [];
    for (const key of keys) {
      at.push(words.length - 1);
      words.push(space + entryName(key));
      for (const prefix of prefixesOf(key)) words.push(space + prefixName(prefix));
    }
    const reply = listOf("MGET", await link.call(words));
    if (reply.length !== words.length - 1) throw shortReply(reply.length);
    const common = bench();
    return keys.map((key, index) => {
      const entryAt = at[index]!;
      const look: Look = {
        clock: reply[0],
        entry: reply[entryAt],
        prefixes: prefixesOf(key),
        declared: NONE,
        records: reply,
        recordsAt: entryAt + 1,
        tagRecords: undefined,
      };
      return judgeLook(look, common);
    });
  };
}

const shortReply = (length: number): Error => replyUnexpected("MGET", `a list of ${length}`);
