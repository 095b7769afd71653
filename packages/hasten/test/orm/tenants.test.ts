/** Two tenants on one pool: nothing of the one is ever served to the other. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { hasten } from "hasten/express";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, it } from "vitest";

const SETUP = `
  create table notes (id int primary key, tenant text, line text);
  insert into notes values (1, 'a', 'of a'), (2, 'b', 'of b');
  alter table notes enable row level security;
  alter table notes force row level security;
  create policy own on notes using (tenant = current_setting('app.tenant', true));
  create schema a; create schema b;
  create table a.own (line text primary key); create table b.own (line text primary key);
  insert into a.own values ('of a'); insert into b.own values ('of b');
  create table plain (id int primary key, line text);
  insert into plain values (1, 'of all');
  create role tenant_a login; create role tenant_b login;
  create schema tenant_a; create schema tenant_b;
  create table tenant_a.mine (line text primary key); create table tenant_b.mine (line text primary key);
  insert into tenant_a.mine values ('of a'); insert into tenant_b.mine values ('of b');
  grant usage on schema tenant_a to tenant_a; grant usage on schema tenant_b to tenant_b;
  grant select on tenant_a.mine to tenant_a; grant select on tenant_b.mine to tenant_b;
  create role plain_user login; grant select on notes to plain_user; grant select on plain to public;`;

type Query = (text: string, values?: unknown[]) => Promise<unknown>;

/** How an application makes a connection a tenant's, and what it reads then. */
const WAYS: Readonly<Record<string, (query: Query, tenant: string) => Promise<string>>> = {
  "row security by set_config": async (query, tenant) => {
    await query("set role plain_user");
    await query("select set_config('app.tenant', $1, false)", [tenant]);
    return "select line from notes";
  },
  "row security by SET LOCAL": async (query, tenant) => {
    await query("begin");
    await query("set local role plain_user");
    await query(`set local app.tenant to '${tenant}'`);
    return "select line from notes";
  },
  search_path: async (query, tenant) => {
    await query(`set search_path to ${tenant}`);
    return "select line from own";
  },
  "SET ROLE with a schema of its own": async (query, tenant) => {
    await query(`set role tenant_${tenant}`);
    return "select line from mine";
  },
  "a temporary table": async (query, tenant) => {
    await query("create temporary table if not exists plain (id int, line text)");
    await query("truncate pg_temp.plain");
    await query("insert into pg_temp.plain values (1, $1)", [`of ${tenant}`]);
    return "select line from plain";
  },
};

it.each(Object.keys(WAYS))("%s", { timeout: 30_000 }, async (way) => {
  await using db = await freshDatabase();
  const setup = new pg.Client({ connectionString: db.url });
  await setup.connect();
  // Roles belong to the server, which the tests of a run share.
  const { rows } = await setup.query("select 1 from pg_roles where rolname = 'tenant_a'");
  await setup.query(rows.length === 0 ? SETUP : SETUP.replaceAll(/create role \w+ login;/g, ""));
  await setup.end();
  await using h = await hasten({
    postgres: db.url,
    coherence: { autoSetup: true },
    say: () => undefined,
  });
  const pool = h.watch(new pg.Pool({ connectionString: db.url, max: 1 }));
  pool.on("error", () => undefined);
  const app = express();
  app.use(h.requests());
  // The tenant comes from where the cache cannot see it.
  let tenant = "a";
  const answer = async (lift: boolean): Promise<string> => {
    const client = await pool.connect();
    try {
      const query: Query = (text, values) => client.query(text, values);
      const shared = way.includes("temporary") ? "plain" : "public.plain";
      const text = lift ? `select line from ${shared}` : await WAYS[way]!(query, tenant);
      const { rows } = await client.query<{ line: string }>(text);
      return rows.map(({ line }) => line).join();
    } finally {
      if (way.includes("LOCAL") && !lift) await client.query("commit");
      client.release();
    }
  };
  app.get("/own", h.cached({ ttlMs: 60_000 }), async (_req, res) => {
    res.send(await answer(false));
  });
  app.get("/after", h.cached({ ttlMs: 60_000 }), async (_req, res) => {
    res.send(await answer(true));
  });
  const server = app.listen(0);
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    for (let round = 0; round < 6; round++) {
      tenant = round % 2 === 0 ? "a" : "b";
      const response = await fetch(`${base}/own`);
      expect(await response.text()).toBe(`of ${tenant}`);
      expect(response.headers.get("cache-status")).not.toContain("hit");
      // What another route reads on the connection afterwards is no tenant's answer either.
      const after = await fetch(`${base}/after`);
      const seen = await after.text();
      expect(seen).toBe(way.includes("temporary") ? `of ${tenant}` : "of all");
    }
  } finally {
    server.closeAllConnections();
    server.close();
    await pool.end();
  }
});
