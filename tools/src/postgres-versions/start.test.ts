import pg from "pg";
import { expect, test } from "vitest";
import { MAJORS, startDebianPostgres, startPostgresOf } from "./index.ts";

test.for(MAJORS)(
  "PostgreSQL %i starts, answers and is gone",
  { timeout: 120_000 },
  async (major, ctx) => {
    const server = await startPostgresOf(major);
    if ("unavailable" in server) return ctx.skip(server.unavailable);
    const client = new pg.Client({ connectionString: server.url });
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string; directory: string }>(
        "select current_setting('server_version_num') as version, current_setting('data_directory') as directory",
      );
      expect(Math.floor(Number(rows[0]?.version) / 10_000)).toBe(major);
    } finally {
      await client.end();
      await server.stop();
    }
  },
);

test("Debian's PostgreSQL 15 starts and compiles queries", { timeout: 120_000 }, async (ctx) => {
  const server = await startDebianPostgres(15);
  if ("unavailable" in server) return ctx.skip(server.unavailable);
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    const { rows } = await client.query("select pg_jit_available() as jit");
    expect(rows).toEqual([{ jit: true }]);
  } finally {
    await client.end();
    await server.stop();
  }
});
