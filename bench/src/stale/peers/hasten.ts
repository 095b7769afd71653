import { createCache } from "hasten/cache";
import { type Peer, TTL_MS } from "../peer.ts";

export const hasten: Peer = {
  setup: "createCache({ name, redis })",
  async open(redis, name) {
    const cache = createCache({ name, redis, ttlMs: TTL_MS });
    const keyOf = cache.key("item", (key: string) => [key]).of<string>();
    return {
      get: async (key, tag, load) => cache.getOrSet(keyOf(key), () => load(key), { tags: [tag] }),
      deleteKey: (key) => cache.delete(keyOf(key)),
      deleteTag: (tag) => cache.delete({ tags: [tag] }),
      clear: () => cache.clear(),
      close: () => cache.close(),
    };
  },
};
