/** A shard on a real server for tests: calls over a link whose scripts may be mutated, and its state. */
import { createHash, randomUUID } from "node:crypto";
import { parseClock } from "../../../src/cache/shared/protocol/clock-record.ts";
import { decodeEntry, seqOf } from "../../../src/cache/shared/protocol/entry-header.ts";
import {
  type EntryBody,
  type Shard,
  type ShardCalls,
  shardCalls,
  spaceOf,
  tagName,
} from "../../../src/cache/shared/protocol/index.ts";
import type { RedisLink, RedisReply, RedisScript } from "../../../src/redis/index.ts";

/** Replaces the source of every script. */
export type Mutation = (source: string) => string;

export interface TestShard {
  readonly calls: ShardCalls;
  readonly space: string;
  readonly link: RedisLink;
  /** What the link says of its server; to be changed. */
  server: { runId: string };
  redisNowMs: number;
}

export function testShard(
  link: RedisLink,
  options: { readonly mutation?: Mutation | undefined; readonly marksMax?: number } = {},
): TestShard {
  const { mutation } = options;
  const space = spaceOf({ keyPrefix: "", namespace: randomUUID(), shard: 0, shards: 1 });
  const server = { runId: "run-1" };
  const scripts = new Map<string, RedisScript>();
  const mutated = (script: RedisScript): RedisScript => {
    if (mutation === undefined) return script;
    const found = scripts.get(script.name);
    if (found !== undefined) return found;
    const source = mutation(script.source);
    const sha = createHash("sha1").update(source).digest("hex");
    scripts.set(script.name, { name: script.name, source, sha });
    return scripts.get(script.name)!;
  };
  const test: Omit<TestShard, "calls"> & { calls?: ShardCalls } = {
    space,
    link,
    server,
    redisNowMs: 0,
  };
  const shard: Shard = {
    link: {
      call: (words) => link.call(words),
      script: (script, keys, values) => link.script(mutated(script), keys, values),
      get server() {
        return { ...link.server!, runId: test.server.runId };
      },
    },
    space,
    logMax: 10_000,
    marksMax: options.marksMax ?? 10_000,
    redisNowMs: () => test.redisNowMs,
  };
  return Object.assign(test, { calls: shardCalls(shard) });
}

/** Always fresh, seen from `redisNowMs: 0`. */
export function entryOf(value: string, tags: readonly string[] = [], form = 1): EntryBody {
  return {
    freshUntilRedisMs: 8.64e15,
    staleUntilRedisMs: 8.64e15,
    capturedRedisMs: 1,
    loadMs: 2,
    payload: { form, bytes: Buffer.from(value) },
    tags,
    dependency: undefined,
  };
}

const DUMP = `
local out = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local kind = redis.call('TYPE', key).ok
  local held
  if kind == 'string' then held = redis.call('GET', key)
  elseif kind == 'hash' then held = redis.call('HGETALL', key)
  else held = redis.call('XRANGE', key, '-', '+') end
  out[#out + 1] = { string.sub(key, #ARGV[1] + 1), held }
end
return out`;
const dumpScript: RedisScript = {
  name: "dump",
  source: DUMP,
  sha: createHash("sha1").update(DUMP).digest("hex"),
};

/** Everything there, in the form of `reference.ts`, sorted. */
export async function stateOf(shard: TestShard): Promise<Record<string, unknown>> {
  const reply = await shard.link.script(dumpScript, [`${shard.space}clk`], [shard.space]);
  const state: Record<string, unknown> = {};
  for (const [name, held] of reply as readonly (readonly [Buffer, RedisReply])[]) {
    const key = name.toString("utf8");
    state[key] = partOf(key, held);
  }
  return sorted(state);
}

export function sorted(state: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function partOf(key: string, held: RedisReply): unknown {
  if (key === "clk") return parseClock(held as Buffer);
  const letter = key.slice(0, 2).toLowerCase();
  if (letter === "e:") {
    const bytes = held as Buffer;
    const seq = seqOf(bytes);
    const entry = Number.isNaN(seq) ? undefined : decodeEntry(bytes, seq);
    if (entry === undefined) return "damaged";
    const { tags, expiredSeq, payload } = entry;
    const epoch = bytes.toString("latin1", 3, 19);
    return {
      epoch,
      seq,
      expired: expiredSeq !== undefined,
      tags: tags.map(tagName),
      value: `${payload.bytes}`,
    };
  }
  if (letter === "t:" || letter === "p:") {
    const [epoch, deleted, expired] = String(held).split(" ");
    return { epoch, deleted: Number(deleted), expired: Number(expired) };
  }
  if (key === "log") {
    return (held as readonly (readonly [Buffer, readonly Buffer[]])[]).map(([id, fields]) => ({
      position: Number(String(id).split("-")[0]),
      body: String(fields[1]),
    }));
  }
  const fields = held as readonly Buffer[];
  const pairs: [string, string][] = [];
  // What a node left of a source begins with until when: never the same twice.
  const told = (text: string): string => (key === "src" ? text.replace(/^\d+ /, "") : text);
  for (let at = 0; at < fields.length; at += 2) {
    pairs.push([`${fields[at]}`, told(`${fields[at + 1]}`)]);
  }
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}
