import type { RedisArgument, RedisReply } from "../../../redis/index.ts";
import { prefixesOf } from "../../fence.ts";
import { clockReader } from "./clock-record.ts";
import { replyUnexpected } from "./errors.ts";
import { type Bench, judgeLook, type Look } from "./looks.ts";
import { entryName, keyName, prefixName, tagName } from "./names.ts";
import { RememberedTags } from "./remembered.ts";
import { listOf, numberIn, wholeMs } from "./replies.ts";
import { lease as leaseScript, read as readScript } from "./scripts.generated.ts";
import type { LeaseRequest, ReadAnswer, Shard, ShardCalls } from "./types.ts";

const NONE: readonly string[] = [];
/** Keys whose tags are remembered, of a shard. */
const REMEMBERED_MAX = 2_048;

type ReadCalls = Pick<ShardCalls, "readDeclared" | "readFull" | "readMany" | "lease">;

export function readCalls(shard: Shard): ReadCalls {
  const { link, space } = shard;
  const clockKey = `${space}clk`;
  const remembered = new RememberedTags(REMEMBERED_MAX);
  const readClock = clockReader();
  const bench = (): Bench => ({
    readClock,
    runId: link.server?.runId,
    nowRedisMs: shard.redisNowMs(),
  });

  /** What a script that ends in `look` replied, from an index on. */
  const looked = (
    reply: readonly RedisReply[],
    at: number,
    { key, prefixes, declared }: Asked,
  ): ReadAnswer => {
    const answer = judgeLook(
      {
        prefixes,
        declared,
        clock: reply[at],
        entry: reply[at + 1],
        records: listOf("a read", reply[at + 2]),
        recordsAt: 0,
        guessed: undefined,
        tagRecords: listOf("a read", reply[at + 3]),
        tagRecordsAt: 0,
      },
      bench(),
    );
    if (answer.kind === "found") remembered.keep(key, answer.entry.tags);
    return answer;
  };

  const readOne = async (asked: Asked): Promise<ReadAnswer> => {
    const words: RedisArgument[] = ["MGET", clockKey];
    const at = addNames(words, space, asked);
    return judgeLook(lookAt(await answers(link, words), at, asked), bench());
  };

  return {
    readDeclared: (key, declared = NONE) =>
      readOne({ key, prefixes: prefixesOf(key), declared, guessed: undefined }),
    async readFull(key, declared = NONE) {
      const asked = { key, prefixes: prefixesOf(key), declared, guessed: remembered.get(key) };
      if (asked.guessed !== undefined) {
        const answer = await readOne(asked);
        if (answer.kind !== "undeclared") return answer;
      }
      const values = [entryName(key), ...asked.prefixes.map(prefixName), ...declared.map(tagName)];
      const reply = await link.script(readScript, [clockKey], values);
      return looked(listOf("READ", reply), 0, asked);
    },
    async readMany(keys) {
      const words: RedisArgument[] = ["MGET", clockKey];
      const all = keys.map((key) => {
        const guessed = remembered.get(key);
        const asked = { key, prefixes: prefixesOf(key), declared: NONE, guessed };
        return { asked, at: addNames(words, space, asked) };
      });
      const reply = await answers(link, words);
      const common = bench();
      return all.map(({ asked, at }) => judgeLook(lookAt(reply, at, asked), common));
    },
    async lease({ key, holder, leaseMs, declared }: LeaseRequest) {
      const prefixes = prefixesOf(key);
      const names = [...prefixes.map(prefixName), ...declared.map(tagName)];
      const values = [keyName(key), holder, wholeMs(leaseMs), ...names];
      const reply = listOf("LEASE", await link.script(leaseScript, [clockKey], values));
      return {
        mine: numberIn("LEASE", reply[0]) === 1,
        leftMs: numberIn("LEASE", reply[1]),
        read: looked(reply, 2, { key, prefixes, declared, guessed: undefined }),
      };
    },
  };
}

interface Asked {
  readonly key: string;
  readonly prefixes: readonly string[];
  readonly declared: readonly string[];
  /** Tags that the entry may have. */
  readonly guessed: readonly string[] | undefined;
}

/** Adds what is read for a key to an MGET; returns where that is in its reply. */
function addNames(words: RedisArgument[], space: string, asked: Asked): number {
  const at = words.length - 1;
  words.push(space + entryName(asked.key));
  for (const prefix of asked.prefixes) words.push(space + prefixName(prefix));
  for (const tag of asked.declared) words.push(space + tagName(tag));
  for (const tag of asked.guessed ?? NONE) words.push(space + tagName(tag));
  return at;
}

function lookAt(reply: readonly RedisReply[], at: number, asked: Asked): Look {
  const { prefixes, declared, guessed } = asked;
  return {
    clock: reply[0],
    entry: reply[at],
    prefixes,
    declared,
    records: reply,
    recordsAt: at + 1,
    guessed,
    tagRecords: guessed === undefined ? undefined : reply,
    tagRecordsAt: at + 1 + prefixes.length + declared.length,
  };
}

async function answers(
  link: Shard["link"],
  words: readonly RedisArgument[],
): Promise<readonly RedisReply[]> {
  const reply = listOf("MGET", await link.call(words));
  if (reply.length === words.length - 1) return reply;
  throw replyUnexpected("MGET", `a list of ${reply.length}`);
}
