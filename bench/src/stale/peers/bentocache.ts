import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis";
import { type Peer, TTL_MS } from "../peer.ts";

export const bentocache: Peer = {
  setup: "memory driver, Redis driver, Redis bus",
  async open(url, prefix) {
    const { hostname: host, port } = new URL(url);
    const connection = { host, port: Number(port) };
    const bento = new BentoCache({
      default: "items",
      ttl: TTL_MS,
      prefix,
      stores: {
        items: bentostore()
          .useL1Layer(memoryDriver({ maxItems: 10_000 }))
          .useL2Layer(redisDriver({ connection }))
          .useBus(redisBusDriver({ connection })),
      },
    });
    return {
      get: (key, tag, load) =>
        bento.getOrSet({ key, factory: () => load(key), tags: [tag] }) as Promise<string>,
      deleteKey: (key) => bento.delete({ key }),
      deleteTag: (tag) => bento.deleteByTag({ tags: [tag] }),
      clear: () => bento.clear(),
      close: () => bento.disconnectAll(),
    };
  },
};
