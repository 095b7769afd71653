/** Caches as two processes would have them, over one Redis. */
import type { RedisServer } from "hasten-tools/redis";
import { expect } from "vitest";
import { type Cache, type CacheOptions, createCache } from "../../../src/cache/index.ts";
import type { RedisSettings } from "../../../src/cache/shared/tier/index.ts";

export const BOUND_MS = 500;

export interface Hosts extends AsyncDisposable {
  readonly a: Cache;
  readonly b: Cache;
}

let names = 0;

/** Of a name of their own. Both are ready. */
export async function twoHosts(
  redis: Pick<RedisServer, "url">,
  options: CacheOptions = {},
  settings: Partial<RedisSettings> = {},
): Promise<Hosts> {
  names += 1;
  const name = `acceptance-${names}`;
  const host = (): Cache =>
    createCache({ name, ...options, redis: { source: redis.url, boundMs: BOUND_MS, ...settings } });
  const [a, b] = [host(), host()];
  await Promise.all([ready(a), ready(b)]);
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}

/** Redis is used, and the log is trusted. */
export async function ready(cache: Cache): Promise<void> {
  const isReady = (): boolean =>
    cache.shared?.status().state === "ready" && cache.shared.log.trust.confirmed;
  await expect.poll(isReady, { timeout: 10_000, interval: 5 }).toBe(true);
}

/** What Redis has of a key that may be used as fresh. */
export async function inRedis(cache: Cache, key: string): Promise<unknown> {
  const read = await cache.shared!.read(key, []);
  if (read.kind !== "found" || read.entry.expired) return undefined;
  return JSON.parse(read.entry.payload.bytes.toString());
}

/** A source of truth whose loads can be held after they have read it. */
export class Truth {
  value: string;
  loads = 0;
  /** Loads that have read the source and go on when told. */
  readonly #held: (() => void)[] = [];
  #hold = false;
  #reached = Promise.withResolvers<void>();

  constructor(value: string) {
    this.value = value;
  }

  readonly load = async (): Promise<string> => {
    this.loads += 1;
    const read = this.value;
    if (this.#hold) {
      this.#hold = false;
      const released = new Promise<void>((resolve) => this.#held.push(resolve));
      this.#reached.resolve();
      await released;
    }
    return read;
  };

  /** The next load stops once it has read. Resolves when it has. */
  holdNext(): Promise<void> {
    this.#hold = true;
    this.#reached = Promise.withResolvers<void>();
    return this.#reached.promise;
  }

  release(): void {
    for (const one of this.#held.splice(0)) one();
  }
}
