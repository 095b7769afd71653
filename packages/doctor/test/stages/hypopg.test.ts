/** Debian's PostgreSQL 15 with HypoPG: what the model lacks is proven on the server itself. */
import { startDebianPostgres } from "hasten-tools/postgres-versions";
import pg from "pg";
import { expect, test } from "vitest";
import type { CreateAdvice } from "../../src/choose/types.ts";
import { diagnose } from "../../src/diagnose.ts";
import type { Report } from "../../src/report/types.ts";

/**
 * A type of an extension that PGlite does not have, as PostGIS's are, so that the model lacks its
 * table; the guard trusts the extension.
 */
const SEED = `
  create extension seg;
  create type odd;
  create function odd_in(cstring) returns odd language internal immutable strict as 'textin';
  create function odd_out(odd) returns cstring language internal immutable strict as 'textout';
  create type odd (input = odd_in, output = odd_out, like = text);
  alter extension seg add function odd_in(cstring);
  alter extension seg add function odd_out(odd);
  alter extension seg add type odd;
  create table strange (id int primary key, customer_id int, note odd, tags jsonb);
  insert into strange select n, n % 5000, 'x'::odd, '{}' from generate_series(1, 50000) n;
  create table plain (id int primary key, strange_id int);
  insert into plain select n, n from generate_series(1, 50000) n;
  analyze`;

const QUERIES = `
  -- calls: 1000 mean_ms: 20
  select id from strange where customer_id = 17;
  -- calls: 1000 mean_ms: 20
  select s.id from plain p join strange s on s.id = p.strange_id where p.strange_id = 5;
  -- calls: 1000 mean_ms: 20
  select id from plain where strange_id = 17;
  -- calls: 10 mean_ms: 20
  select id from strange where tags @> '{"a": 1}';`;

const advised = (report: Report, table: string): CreateAdvice | undefined =>
  report.indexes?.advice.find(
    (each): each is CreateAdvice => each.kind !== "drop" && each.table === table,
  );

test("a table that the model lacks gets advice that HypoPG verified, or unverified with the reason", {
  timeout: 180_000,
}, async (ctx) => {
  const server = await startDebianPostgres(15);
  if ("unavailable" in server) return ctx.skip(server.unavailable);
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    const has = await client.query("select 1 from pg_available_extensions where name = 'hypopg'");
    if (has.rowCount === 0) return ctx.skip("Debian's postgresql-15-hypopg is not installed here.");
    await client.query(SEED);
    const run = (): Promise<Report> =>
      diagnose({ url: server.url, env: {}, only: ["indexes"], queries: QUERIES });

    const without = advised(await run(), "public.strange");
    expect(without).toMatchObject({ badge: "unverified", columns: ["customer_id"] });
    expect(without?.unverifiedBecause).toMatch(/the model does not have/);

    await client.query("create extension hypopg");
    const report = await run();
    const strange = advised(report, "public.strange");
    expect(strange).toMatchObject({ badge: "hypopg", type: "btree", columns: ["customer_id"] });
    expect(strange?.savedShare).toBeGreaterThan(0.2);
    expect(strange?.statements[0]?.costAfter).toBeLessThan(
      (strange?.statements[0]?.costBefore ?? 0) / 10,
    );
    // The model proves what it has; the statement that reads both is planned by HypoPG.
    const plain = advised(report, "public.plain");
    expect(plain).toMatchObject({ badge: "model", columns: ["strange_id"] });
    expect(plain?.statements).toHaveLength(2);
    expect(report.indexes?.notes.join()).toContain("planned by HypoPG");
    expect(report.indexes?.calibration).toEqual({ compared: 4, within10Percent: 4 });
  } finally {
    await client.end();
    await server.stop();
  }
});
