/** A server killed in the middle, memory whatever the number of rows, caches and traces beside it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createCache } from "hasten/cache";
import { bulkOutcome, createDatabase, openCoherence, sql, trustedSql } from "hasten/postgres";
import { startPostgres } from "hasten-tools/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";

describe.each(["unnest", "copy"] as const)("by %s", (method) => {
  test("its session killed: typed, nothing half-committed in one transaction, an exact count in chunks", async () => {
    const { url } = await freshDatabase();
    await using db = createDatabase({ url, applicationName: `bulk-${method}` });
    await db.execute(trustedSql("create table t (id int primary key)"));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      async function* rows() {
        for (let id = 0; id < 100_000; id++) {
          if (id === 62_000)
            await client.query(
              "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and state <> 'idle'",
              [`bulk-${method}`],
            );
          yield { id };
        }
      }
      const one = await db
        .bulk("t")
        .insert(rows(), { method })
        .catch((error: unknown) => error);
      expect(one).toMatchObject({ code: expect.stringMatching(/^HST_PG_/) });
      expect(bulkOutcome(one)).toMatchObject({ committedRows: 0, unknownRows: 0 });
      expect((await client.query("select 1 from t")).rowCount).toBe(0);
      const chunks = await db
        .bulk("t")
        .insert(rows(), { method, transaction: "chunks", chunkRows: 7_000 })
        .catch((error: unknown) => error);
      const { committedRows } = bulkOutcome(chunks)!;
      expect(committedRows).toBe(56_000);
      const { rows: found } = await client.query(
        "select count(*)::int as n, max(id) as last from t",
      );
      expect(found).toEqual([{ n: 56_000, last: 55_999 }]);
    } finally {
      await client.end();
    }
  });
});

test("the server killed in the middle of a COPY: rolled back, said so, and usable after a restart", async () => {
  const server = await startPostgres();
  await using db = createDatabase({ url: server.url, pool: { acquireTimeoutMs: 500 } });
  try {
    await db.execute(trustedSql("create table t (id int primary key)"));
    function* rows() {
      for (let id = 0; id < 1_000_000; id++) {
        if (id === 300_000) process.kill(server.pid, "SIGQUIT");
        yield { id };
      }
    }
    const error = await db
      .bulk("t")
      .insert(rows())
      .catch((one: unknown) => one);
    expect(error).toMatchObject({ code: "HST_PG_UNAVAILABLE" });
    expect(bulkOutcome(error)).toMatchObject({ committedRows: 0, unknownRows: 0 });
  } finally {
    await server.stop().catch(() => undefined);
  }
}, 60_000);

const child = fileURLToPath(new URL("./memory-child.ts", import.meta.url));

test.each(["insert", "upsert"])(
  "2,000,000 rows by %s grow memory by less than 50 MB",
  async (kind) => {
    const { url } = await freshDatabase();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("create table m (id int primary key, name text, n int)");
    await client.end();
    const count = kind === "insert" ? "2000000" : "500000";
    // V8 grows its young generation to 64 MiB in any program that makes objects; held at 3 x 8, the rest shows.
    const v8 = ["--expose-gc", "--max-semi-space-size=8"];
    const args = ["--conditions=hasten-source", ...v8, child, url, kind, count];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { rows, grownMiB } = JSON.parse(stdout) as { rows: number; grownMiB: number };
    expect(rows).toBe(Number(count));
    expect(grownMiB).toBeLessThan(50);
  },
  120_000,
);

describe.each(["own-writes", "stream"] as const)("watched, %s", (mode) => {
  test.each(["unnest", "copy"] as const)(
    "a write by %s drops what it changed, and is one statement",
    async (method) => {
      const { url } = await freshDatabase();
      await using plain = createDatabase({ url });
      await plain.execute(trustedSql("create table t (id int primary key, n int)"));
      await plain.execute(trustedSql("insert into t select n, 0 from generate_series(1, 100) n"));
      const coherence = await openCoherence({
        url,
        autoSetup: true,
        ...(mode === "own-writes" ? { mode } : {}),
      });
      const cache = createCache({
        name: `bulk-${mode}-${method}`,
        tracked: true,
        log: coherence.log,
      });
      coherence.attach(cache);
      const db = createDatabase({ url, cache, pool: { min: 1, max: 2 } });
      coherence.watch(db.pool);
      try {
        const sum = () =>
          inTrace(new Trace(), () =>
            cache.getOrSet(
              "sum",
              async () =>
                (await db.queryOne<{ s: number }>(sql`select sum(n)::int as s from t`))!.s,
              { ttlMs: 600_000 },
            ),
          );
        const rows = (n: number) => Array.from({ length: 100 }, (_, at) => ({ id: at + 1, n }));
        let wanted = 0;
        for (const write of ["upsert", "update", "insert", "delete"] as const) {
          expect(await sum()).toBe(wanted);
          expect(await sum()).toBe(wanted);
          const trace = new Trace();
          const given =
            write === "insert"
              ? [{ id: 101 + wanted, n: 1 }]
              : write === "delete"
                ? [{ id: 1 }]
                : rows(wanted + 1);
          await inTrace(trace, () => db.bulk("t")[write](given, { method }));
          expect(
            trace.queries.records.every(
              (one) =>
                one.unjudged ||
                one.shape.role === "control" ||
                /pg_class/.test(one.shape.statement),
            ),
          ).toBe(true);
          wanted = (await plain.queryOne<{ s: number }>(sql`select sum(n)::int as s from t`))!.s;
          expect(await sum()).toBe(wanted);
        }
      } finally {
        await cache.close();
        await db.drain();
        await coherence.close();
      }
    },
  );
});
