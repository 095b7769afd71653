// The second tier alone: nothing of these is answered from the process's memory.
import { createKeyv } from "@keyv/redis";
import { BentoCache, bentostore } from "bentocache";
import { redisDriver as bentoRedis } from "bentocache/drivers/redis";
import { Cacheable } from "cacheable";
import { createCache } from "hasten/cache";
import { Redis } from "ioredis";
import { Loader, RedisCache } from "layered-loader";
import { createClient, RESP_TYPES } from "redis";
import { type Item, itemOf, KEYS, TTL_MS } from "./value.ts";

export interface Subject {
  /** Answers from Redis; loads what is not there. */
  get(key: string): unknown;
  close(): Promise<unknown>;
}

export type Open = (url: string) => Promise<Subject>;

const load = async (key: string): Promise<Item> => itemOf(key);

async function bare(url: string, parse: (bytes: Buffer) => unknown): Promise<Subject> {
  const client = await createClient({ url }).connect();
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  for (let n = 0; n < KEYS; n++) await client.set(`bare:k${n}`, JSON.stringify(itemOf(`k${n}`)));
  return {
    get: async (key) => {
      const found = await bytes.get(`bare:${key}`);
      if (found === null) throw new Error(`${key} is not there`);
      return parse(found);
    },
    close: () => client.close(),
  };
}

const EIGHT = 8;

/** hasten with room for one entry in memory: every key is another one, so that Redis answers. */
function own(tagsOf: (key: string) => readonly string[], declared: boolean): Open {
  return async (redis) => {
    const cache = createCache({
      name: `bench-${declared}-${tagsOf("k").length}`,
      memory: { entriesMax: 1 },
      ttlMs: TTL_MS,
      redis,
    });
    await cache.shared?.ready(5_000);
    const keyOf = cache.key("item", (key: string) => [key]).of<Item>();
    const options = (key: string) =>
      declared ? { tags: tagsOf(key) } : { tags: () => tagsOf(key) };
    return {
      get: (key) => cache.getOrSet(keyOf(key), () => load(key), options(key)),
      close: () => cache.close(),
    };
  };
}

const tags = (count: number) => (): readonly string[] =>
  Array.from({ length: count }, (_, n) => `tag-${n}`);

export const subjects: Readonly<Record<string, Open>> = {
  "bare GET, bytes": (url) => bare(url, (found) => found),
  "bare GET, JSON.parse": (url) => bare(url, (found) => JSON.parse(found.toString())),
  "hasten, no tags": own(tags(0), true),
  "hasten, 1 declared tag": own(tags(1), true),
  "hasten, 4 declared tags": own(tags(4), true),
  "hasten, 8 tags from the entry": own(tags(EIGHT), false),
  async bentocache(url) {
    const { hostname: host, port } = new URL(url);
    const bento = new BentoCache({
      default: "items",
      ttl: TTL_MS,
      stores: {
        items: bentostore().useL2Layer(bentoRedis({ connection: { host, port: Number(port) } })),
      },
    });
    return {
      get: (key) => bento.getOrSet({ key, factory: () => load(key) }),
      close: () => bento.disconnectAll(),
    };
  },
  async cacheable(url) {
    const cache = new Cacheable({ primary: createKeyv(url), ttl: TTL_MS });
    return { get: (key) => cache.getOrSet(key, () => load(key)), close: () => cache.disconnect() };
  },
  async "layered-loader"(url) {
    const redis = new Redis(url);
    const loader = new Loader<Item>({
      asyncCache: new RedisCache<Item>(redis, { prefix: "ll", ttlInMsecs: TTL_MS, json: true }),
      dataSourceGetOneFn: load,
    });
    return {
      get: (key) => loader.get(key),
      async close() {
        redis.disconnect();
      },
    };
  },
};
