// What one call sends to Redis, counted on the wire's side of the client.
import { createCache } from "hasten/cache";
import { type RedisDriver, redisDriver } from "hasten/redis";
import { type Item, itemOf } from "./value.ts";

export interface Counts {
  readonly hit: number;
  /** Until its load starts; the caller gets what it brings, and the fill goes out beside. */
  readonly missAwaited: number;
  readonly missInAll: number;
  readonly invalidation: number;
}

const UNCOUNTED = new Set(["ROLE", "PING", "INFO", "XREAD"]);

function counting(url: string): { readonly driver: RedisDriver; sent(): number } {
  const driver = redisDriver(url);
  let sent = 0;
  /** The first script of a tier asks what was missed; so does every process, now and when woken. */
  let confirm: string | undefined;
  return {
    sent: () => sent,
    driver: {
      name: driver.name,
      async connect(options) {
        const connection = await driver.connect(options);
        return {
          ...connection,
          address: connection.address,
          onLost: (listener) => connection.onLost(listener),
          close: () => connection.close(),
          call(words) {
            const command = String(words[0]).toUpperCase();
            if (command === "EVALSHA") confirm ??= String(words[1]);
            const isConfirm = command === "EVALSHA" && String(words[1]) === confirm;
            // What every process asks now and then whether it is used or not.
            if (!isConfirm && !UNCOUNTED.has(command)) sent += 1;
            return connection.call(words);
          },
        };
      },
    },
  };
}

const MANY = 100;
const SETTLE_MS = 100;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function counted(url: string): Promise<Counts> {
  const { driver, sent } = counting(url);
  // Confirmations come every quarter of the bound: none falls into what is counted.
  const cache = createCache({ name: "counted", redis: { source: driver, boundMs: 10_000 } });
  const reader = createCache({ name: "counted", redis: { source: url } });
  await Promise.all([cache.shared?.ready(5_000), reader.shared?.ready(5_000)]);
  const keyOf = cache.key("item", (key: string) => [key]).of<Item>();
  const other = reader.key("item", (key: string) => [key]).of<Item>();
  await reader.getOrSet(other("hit"), async () => itemOf("hit"), { tags: ["a"] });
  // The first of each kind also tells the server the scripts.
  await cache.getOrSet(keyOf("first"), async () => itemOf("first"), { tags: ["a"] });
  await cache.delete(keyOf("first"));
  await wait(SETTLE_MS);
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = sent();
    await work();
    return sent() - before;
  };
  const hit = await during(async () =>
    cache.getOrSet(keyOf("hit"), async () => itemOf("no"), { tags: ["a"] }),
  );
  const before = sent();
  let missAwaited = 0;
  await cache.getOrSet(
    keyOf("miss"),
    async () => {
      missAwaited = sent() - before;
      return itemOf("miss");
    },
    { tags: ["a"] },
  );
  await wait(SETTLE_MS);
  const missInAll = sent() - before;
  const invalidation = await during(() =>
    cache.delete({
      keys: Array.from({ length: MANY }, (_, n) => keyOf(`k${n}`)),
      tags: Array.from({ length: MANY }, (_, n) => `tag-${n}`),
    }),
  );
  await Promise.all([cache.close(), reader.close()]);
  return { hit, missAwaited, missInAll, invalidation };
}
