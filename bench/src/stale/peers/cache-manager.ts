import { createKeyv } from "@keyv/redis";
import { createCache } from "cache-manager";
import { Keyv } from "keyv";
import { type Peer, TTL_MS } from "../peer.ts";

export const cacheManager: Peer = {
  setup: "memory store, then @keyv/redis; nothing between processes",
  async open(url, namespace) {
    const shared = createKeyv(url, { namespace });
    const cache = createCache({ stores: [new Keyv(), shared as unknown as Keyv], ttl: TTL_MS });
    return {
      get: (key, _tag, load) => cache.wrap(key, () => load(key)),
      deleteKey: (key) => cache.del(key),
      clear: () => cache.clear(),
      close: () => cache.disconnect(),
    };
  },
};
