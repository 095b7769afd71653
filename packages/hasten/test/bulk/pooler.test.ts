/** Bulk writes through PgBouncer in transaction mode, on one server connection. */
import { createDatabase, sql, trustedSql } from "hasten/postgres";
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, inject, test } from "vitest";

test("every kind of write works, and leaves nothing in the shared session", async () => {
  const bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 1 });
  try {
    const { url } = await freshDatabase();
    const pooled = new URL(url);
    pooled.port = String(new URL(bouncer.url).port);
    await using direct = createDatabase({ url });
    await direct.execute(trustedSql("create table t (id int primary key, n int)"));
    const target = { url: pooled.href, pooler: "transaction", pool: { min: 0, max: 3 } } as const;
    await using db = createDatabase(target);
    const rows = (count: number, n: number) =>
      Array.from({ length: count }, (_, id) => ({ id, n }));
    const t = db.bulk("t");
    await Promise.all([
      t.upsert(rows(100, 1)),
      t.upsert(rows(9_000, 2)),
      t.upsert(rows(9_000, 3).reverse()),
    ]);
    await t.update(rows(9_000, 4), { method: "copy" });
    await t.insert(
      rows(6_000, 5).map(({ id, n }) => ({ id: id + 10_000, n })),
      { timeoutMs: 60_000 },
    );
    await t.delete(rows(8_000, 0));
    await db.transaction((tx) => tx.bulk("t").upsert(rows(7_000, 6), { method: "copy" }));
    expect(
      await db.queryOne(
        sql`select count(*)::int as c, sum(n)::int as s, current_setting('enable_hashjoin') as hash from t`,
      ),
    ).toEqual({
      c: 14_000,
      s: 7_000 * 6 + 1_000 * 4 + 6_000 * 5,
      hash: "on",
    });
  } finally {
    await bouncer.stop();
  }
}, 60_000);
