/** A database, a Redis, and shops on them that follow one leader. */
import { type Cache, createCache } from "hasten/cache";
import {
  type Coherence,
  type CoherenceEvent,
  type CoherenceOptions,
  openCoherence,
} from "hasten/postgres";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import type { SharedTier } from "../../../src/cache/shared/port.ts";
import { openSharedTier } from "../../../src/cache/shared/tier/index.ts";
import { exec, type Row } from "../../coherence/shop.ts";

export const TABLES: readonly string[] = [
  "create table items (id int primary key, team text, version int not null)",
  "insert into items select g, 't' || g % 3, 0 from generate_series(1, 20) g",
];

export interface World extends AsyncDisposable {
  readonly url: string;
  readonly redis: RedisServer;
  open(options?: Partial<CoherenceOptions>): Promise<Shop>;
  /** Names of the replication slots of this database. */
  slots(): Promise<readonly string[]>;
}

export async function world(setup: readonly string[] = TABLES): Promise<World> {
  const [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
  await exec(db.url, ...setup);
  const opened: Shop[] = [];
  const asker = new pg.Pool({ connectionString: db.url, max: 1 });
  asker.on("error", () => undefined);
  return {
    url: db.url,
    redis,
    async open(options = {}) {
      const shop = await openShop(db.url, redis.url, options);
      opened.push(shop);
      return shop;
    },
    async slots() {
      const { rows } = await asker.query(
        "select slot_name from pg_replication_slots where database = current_database()",
      );
      return rows.map((row: { slot_name: string }) => row.slot_name);
    },
    async [Symbol.asyncDispose]() {
      for (const shop of opened.reverse()) await shop.close();
      await asker.end();
      await db.drop();
      await redis.stop();
    },
  };
}

export interface Shop {
  readonly coherence: Coherence;
  readonly cache: Cache;
  readonly pool: pg.Pool;
  readonly tier: SharedTier;
  readonly events: readonly CoherenceEvent[];
  read(text: string): Promise<{ readonly rows: readonly Row[]; readonly loaded: boolean }>;
  close(): Promise<void>;
}

/** A cache that is not the tier's own: it hears of changes through the log all the same. */
export async function openShop(
  url: string,
  redisUrl: string,
  options: Partial<CoherenceOptions>,
): Promise<Shop> {
  const events: CoherenceEvent[] = [];
  const tier = openSharedTier(redisUrl, { namespace: "shop" });
  await tier.ready(5_000);
  const coherence = await openCoherence({
    url,
    autoSetup: true,
    retryMs: 200,
    shared: tier,
    ...options,
    onEvent: (it) => void events.push(it),
  });
  const cache = createCache({ name: "local", tracked: true });
  coherence.attach(cache);
  const pool = coherence.watch(new pg.Pool({ connectionString: url, max: 4 }));
  pool.on("error", () => undefined);
  const key = cache.key("read", (text: string) => [text]).of<readonly Row[]>();
  let closing: Promise<void> | undefined;
  return {
    ...{ coherence, cache, pool, tier, events },
    async read(text) {
      let loaded = false;
      const rows = await cache.getOrSet(
        key(text),
        async () => {
          loaded = true;
          return (await pool.query(text)).rows as readonly Row[];
        },
        { ttlMs: 60_000 },
      );
      return { rows, loaded };
    },
    close() {
      closing ??= (async () => {
        await coherence.close();
        await pool.end();
        await cache.close();
        await tier.close();
      })();
      return closing;
    },
  };
}
