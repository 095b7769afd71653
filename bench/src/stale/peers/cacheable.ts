import { createKeyv } from "@keyv/redis";
import { Cacheable } from "cacheable";
import { type Peer, TTL_MS } from "../peer.ts";

export const cacheable: Peer = {
  setup: "memory primary, @keyv/redis secondary, tags on; no sync between processes",
  async open(url, namespace) {
    const cache = new Cacheable({
      secondary: createKeyv(url, { namespace }),
      ttl: TTL_MS,
      tags: true,
    });
    return {
      // getOrSet takes no tags: its pages get, load and set what is tagged.
      async get(key, tag, load) {
        const known = await cache.get<string>(key);
        if (known !== undefined) return known;
        const value = await load(key);
        await cache.set(key, value, { tags: [tag] });
        return value;
      },
      deleteKey: (key) => cache.delete(key),
      deleteTag: (tag) => cache.tags.invalidateTag(tag),
      clear: () => cache.clear(),
      close: () => cache.disconnect(),
    };
  },
};
