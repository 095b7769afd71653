/** A shop with a cache that follows its database: what the tests of each mode read and write. */
import { setTimeout as delay } from "node:timers/promises";
import { type Cache, createCache } from "hasten/cache";
import {
  type Coherence,
  type CoherenceEvent,
  type CoherenceOptions,
  openCoherence,
} from "hasten/postgres";
import pg from "pg";

export const SCHEMA: readonly string[] = [
  "create table customers (id int primary key, name text)",
  "create table orders (id int primary key, customer int references customers on delete cascade, total int)",
  "create table lines (id int primary key, ord int references orders on delete cascade)",
  "create table audit (id int primary key generated always as identity, line text)",
  "create table apart (id int primary key, name text)",
  `create function note() returns trigger language plpgsql as
    $$ begin insert into audit (line) values ('changed'); return null; end $$`,
  "create trigger noted after update on customers for each row execute function note()",
  "insert into customers select g, 'c' || g from generate_series(1, 5) g",
  "insert into orders select g, g, g * 10 from generate_series(1, 5) g",
  "insert into lines select g, g from generate_series(1, 5) g",
  "insert into apart values (1, 'apart')",
];

export interface Shop extends AsyncDisposable {
  readonly coherence: Coherence;
  readonly cache: Cache;
  /** Watched. */
  readonly pool: pg.Pool;
  readonly events: CoherenceEvent[];
  /** A cached read: its rows, and whether the database was asked. */
  read(text: string, values?: readonly unknown[]): Promise<Answer>;
  /** What the cache says of a read. */
  why(text: string): ReturnType<Cache["why"]>;
  /** Waits until the cached read gives what `wanted` says. */
  until(text: string, wanted: (rows: readonly Row[]) => boolean): Promise<number>;
}

export type Row = Readonly<Record<string, unknown>>;
export interface Answer {
  readonly rows: readonly Row[];
  readonly loaded: boolean;
}

export async function openShop(options: CoherenceOptions): Promise<Shop> {
  const events: CoherenceEvent[] = [];
  const coherence = await openCoherence({
    retryMs: 200,
    ...options,
    onEvent: (it) => events.push(it),
  });
  const cache = createCache({ name: "shop", tracked: true, log: coherence.log });
  coherence.attach(cache);
  const pool = coherence.watch(new pg.Pool({ connectionString: options.url, max: 4 }));
  pool.on("error", () => undefined);
  const key = cache.key("read", (text: string) => [text]).of<readonly Row[]>();
  const read = async (text: string, values: readonly unknown[] = []): Promise<Answer> => {
    let loaded = false;
    const rows = await cache.getOrSet(
      key(JSON.stringify([text, values])),
      async () => {
        loaded = true;
        return (await pool.query(text, [...values])).rows as readonly Row[];
      },
      { ttlMs: 60_000 },
    );
    return { rows, loaded };
  };
  return {
    coherence,
    cache,
    pool,
    events,
    read,
    why: (text) => cache.why(key(JSON.stringify([text, []]))),
    async until(text, wanted) {
      const beganMs = performance.now();
      while (!wanted((await read(text)).rows)) {
        if (performance.now() - beganMs > 10_000) throw new Error(`not reached: ${text}`);
        await delay(2);
      }
      return performance.now() - beganMs;
    },
    async [Symbol.asyncDispose]() {
      await cache.close();
      await pool.end();
      await coherence.close();
    },
  };
}

/** A client that hasten knows nothing of. */
export async function stranger(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

export async function exec(url: string, ...statements: readonly string[]): Promise<void> {
  await using client = await stranger(url);
  for (const statement of statements) await client.query(statement);
}

export async function eventually(holds: () => boolean, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("not reached");
    await delay(5);
  }
}
