import { type Cache, createCache } from "async-cache-dedupe";
import { Redis } from "ioredis";
import type { Load, Peer } from "../peer.ts";

const TTL_SECONDS = 600;
const REFERENCES_TTL_SECONDS = 1_200;

export const asyncCacheDedupe: Peer = {
  setup: "Redis storage with reference invalidation; it has no tier of its own before it",
  async open(url, prefix) {
    const client = new Redis(url);
    let load: Load = async () => "";
    const cache = createCache({
      ttl: TTL_SECONDS,
      storage: {
        type: "redis",
        options: { client, invalidation: { referencesTTL: REFERENCES_TTL_SECONDS } },
      },
    }).define(
      "item",
      { references: (args: { tag: string }) => [args.tag] },
      async ({ key }: { key: string; tag: string }) => load(key),
    ) as Cache & { item(args: { key: string; tag: string }): Promise<string> };
    const argsOf = (key: string, tag: string): { key: string; tag: string } => ({
      key: `${prefix}${key}`,
      tag: `${prefix}${tag}`,
    });
    return {
      get(key, tag, nextLoad) {
        load = (prefixed) => nextLoad(prefixed.slice(prefix.length));
        return cache.item(argsOf(key, tag));
      },
      // Its clear takes the arguments of the call: here the tag of a key follows from the key.
      deleteKey: (key) => cache.clear("item", argsOf(key, `tag-${key}`)),
      deleteTag: (tag) => cache.invalidate("item", [`${prefix}${tag}`]),
      close: () => client.quit(),
    };
  },
};
