/**
 * Another process with an L1: caches one answer for each probe, and tells when it was dropped. The
 * instant is taken after the drop, once the entry cannot be had any more.
 */
import { createCache } from "hasten/cache";
import { openCoherence } from "hasten/postgres";
import pg from "pg";
import { settingsOf, tellParent } from "./children.ts";
import { nowMs } from "./clock.ts";

export interface SubscriberSettings {
  readonly url: string;
}

export type FromSubscriber =
  | { readonly kind: "ready"; readonly promise: string }
  | { readonly kind: "armed" }
  | { readonly kind: "dropped"; readonly atMs: number };

/** The table whose row `id` is cached next. */
export interface Arm {
  readonly table: "probe" | "load" | "big";
  readonly id: number;
}

const TTL_MS = 3_600_000;
const { url } = settingsOf<SubscriberSettings>();
const coherence = await openCoherence({ url, autoSetup: true, mode: "stream" });
const cache = createCache({ name: "bench", tracked: true, log: coherence.log });
const pool = coherence.watch(new pg.Pool({ connectionString: url, max: 2 }));
let armed: string | undefined;

const noticing: typeof cache.dropLocal = () => {
  if (armed === undefined || cache.peek(armed) !== undefined) return;
  const atMs = nowMs();
  armed = undefined;
  tellParent({ kind: "dropped", atMs });
};
coherence.attach(cache);
// Told after the cache, and only looks.
coherence.attach({ ...cache, dropLocal: noticing });

const load = (table: string, id: number): Promise<unknown> =>
  cache.getOrSet(
    `${table}:${id}`,
    async () => (await pool.query(`select id, n from ${table} where id = $1`, [id])).rows[0],
    { ttlMs: TTL_MS },
  );

// A row of each table is cached throughout: changes of all of them matter to this process.
for (const table of ["load", "big"]) await load(table, 1);

process.on("message", async ({ table, id }: Arm) => {
  const key = `${table}:${id}`;
  for (let attempt = 0; cache.peek(key) === undefined && attempt < 1_000; attempt++) {
    await load(table, id);
    if (cache.peek(key) === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  armed = key;
  tellParent({ kind: "armed" });
});
tellParent({ kind: "ready", promise: coherence.promise });
