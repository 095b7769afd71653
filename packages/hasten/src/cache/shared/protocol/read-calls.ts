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

  const readOne = (asked: Asked): Promise<ReadAnswer> => {
    const count = 2 + countOf(asked);
    const words = new Array<RedisArgument>(count);
    words[0] = "MGET";
    words[1] = clockKey;
    putNames(words, 2, space, asked);
    return link
      .call(words)
      .then((reply) => judgeLook(lookAt(answersIn(reply, count - 1), 1, asked), bench()));
  };
  const readByScript = async (asked: Asked): Promise<ReadAnswer> => {
    const { key, prefixes, declared } = asked;
    const values = [entryName(key), ...prefixes.map(prefixName), ...declared.map(tagName)];
    return looked(listOf("READ", await link.script(readScript, [clockKey], values)), 0, asked);
  };
  /** It had more tags than were declared when it was read last: those are asked for as well. */
  const readGuessed = (asked: Asked): Promise<ReadAnswer> =>
    readOne(asked).then((answer) => (answer.kind === "undeclared" ? readByScript(asked) : answer));

  return {
    readDeclared(key, declared = NONE) {
      const asked = { key, prefixes: prefixesOf(key), declared, guessed: remembered.get(key) };
      return asked.guessed === undefined ? readOne(asked) : readGuessed(asked);
    },
    readFull(key, declared = NONE) {
      const asked = { key, prefixes: prefixesOf(key), declared, guessed: remembered.get(key) };
      return asked.guessed === undefined ? readByScript(asked) : readGuessed(asked);
    },
    async readMany(keys) {
      const words: RedisArgument[] = ["MGET", clockKey];
      const all = keys.map((key) => {
        const guessed = remembered.get(key);
        const asked = { key, prefixes: prefixesOf(key), declared: NONE, guessed };
        const at = words.length;
        putNames(words, at, space, asked);
        return { asked, at: at - 1 };
      });
      const reply = answersIn(await link.call(words), words.length - 1);
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

function countOf({ prefixes, declared, guessed }: Asked): number {
  return 1 + prefixes.length + declared.length + (guessed === undefined ? 0 : guessed.length);
}

/** Puts what is read for a key into an MGET, from an index on. */
function putNames(words: RedisArgument[], from: number, space: string, asked: Asked): void {
  let at = from;
  words[at++] = space + entryName(asked.key);
  for (const prefix of asked.prefixes) words[at++] = space + prefixName(prefix);
  for (const tag of asked.declared) words[at++] = space + tagName(tag);
  for (const tag of asked.guessed ?? NONE) words[at++] = space + tagName(tag);
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

function answersIn(replied: RedisReply, count: number): readonly RedisReply[] {
  const reply = listOf("MGET", replied);
  if (reply.length === count) return reply;
  throw replyUnexpected("MGET", `a list of ${reply.length}`);
}
