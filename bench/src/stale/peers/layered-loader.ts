import { Redis } from "ioredis";
import { createNotificationPair, Loader, RedisCache } from "layered-loader";
import { type Load, type Peer, TTL_MS } from "../peer.ts";

export const layeredLoader: Peer = {
  setup: "in-memory cache, RedisCache, Redis notifications",
  async open(url, prefix) {
    const [redis, publisherRedis, consumerRedis] = [new Redis(url), new Redis(url), new Redis(url)];
    const { publisher, consumer } = createNotificationPair<string>({
      channel: prefix,
      publisherRedis,
      consumerRedis,
    });
    let load: Load = async () => "";
    const loader = new Loader<string>({
      inMemoryCache: { cacheType: "lru-object", ttlInMsecs: TTL_MS, maxItems: 10_000 },
      asyncCache: new RedisCache<string>(redis, { prefix, ttlInMsecs: TTL_MS, json: false }),
      notificationConsumer: consumer,
      notificationPublisher: publisher,
      dataSourceGetOneFn: (key) => load(key),
    });
    await loader.init();
    return {
      get(key, _tag, nextLoad) {
        load = nextLoad;
        return loader.get(key) as Promise<string>;
      },
      deleteKey: (key) => loader.invalidateCacheFor(key),
      clear: () => loader.invalidateCache(),
      async close() {
        await consumer.close();
        for (const client of [redis, publisherRedis, consumerRedis]) client.disconnect();
      },
    };
  },
};
