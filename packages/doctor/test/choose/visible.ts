import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";

const ATTEMPTS_MAX = 100;
const PAUSE_MS = 100;

/**
 * Vacuums and analyses until every page is marked all-visible: on a loaded server another session's
 * snapshot, autovacuum's own among them, keeps pages from it, and index-only scans cost more.
 */
export async function vacuumUntilVisible(client: pg.Client): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await client.query("vacuum analyze");
    const { rows } = await client.query<{ left: number }>(
      `select coalesce(sum(c.relpages - c.relallvisible), 0)::int as left
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'm') and n.nspname !~ '^pg_|^information_schema$'`,
    );
    if (rows[0]?.left === 0) return;
    if (attempt === ATTEMPTS_MAX) throw new Error(`${rows[0]?.left} pages are not all-visible`);
    await delay(PAUSE_MS);
  }
}
