/** The stream when servers, connections and standbys fail. Servers of its own: settings are changed. */
import { setTimeout as delay } from "node:timers/promises";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { instant, type Trust } from "../../src/core/trust.ts";
import { faultyProxy } from "../../src/testing/faulty-proxy.ts";
import { client, open, tagOf, type World, world, write } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

let server: PostgresServer;
const FLAGS = ["-c", "wal_level=logical", "-c", "max_prepared_transactions=5"];

beforeAll(async () => {
  server = await startPostgres({ flags: FLAGS });
});
afterAll(() => server.stop());

/** A database of its own on this server. */
async function database(name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

const holds = (trust: Trust): boolean => {
  const now = instant(systemClock);
  return trust.holds(now.monotonicMs - 60_000, now.wallMs - 60_000);
};

async function live({ stream }: World): Promise<void> {
  await vi.waitFor(() => expect(stream.status().state).toBe("live"), { timeout: 20_000 });
}

/** From now on synchronous commits wait, unseen, for a standby that never comes. */
async function invisible({ url }: { readonly url: string }): Promise<pg.Client> {
  const admin = await client(url);
  await admin.query("alter system set synchronous_standby_names = 'nobody'");
  await admin.query("select pg_reload_conf()");
  // Another process of the server puts it in force: tried until a commit waits.
  const probe = await client(url);
  const pid = (await probe.query("select pg_backend_pid() as pid")).rows[0].pid;
  await probe.query("set synchronous_commit = on");
  const trying = (async () => {
    for (let waited = false; !waited; ) {
      waited = false;
      probe.once("notice", () => {
        waited = true;
      });
      await probe.query("select pg_logical_emit_message(true, 'probe', '')");
    }
  })();
  await vi.waitFor(async () => {
    const waiting = "select from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'";
    expect((await admin.query(waiting, [pid])).rowCount).toBe(1);
  });
  await admin.query("select pg_cancel_backend($1)", [pid]);
  await trying;
  return admin;
}

async function visible(admin: pg.Client): Promise<void> {
  await admin.query("alter system reset synchronous_standby_names");
  await admin.query("select pg_reload_conf()");
}

test("a commit that no reader sees yet is not dropped before they do", async () => {
  const url = await database("standby");
  const it = await world("create table items (id int primary key)", { url });
  await it.want("items", { id: "integer" });
  await live(it);
  await it.writer.query("set synchronous_commit = on");
  const admin = await invisible(it);
  try {
    const { transactions } = it.stream.status().counts;
    const committing = it.writer.query("insert into items values (1)");
    await vi.waitFor(() => expect(it.stream.status().counts.parked).toBe(1));
    await delay(800);
    expect((await admin.query("select from items")).rowCount).toBe(0);
    expect(it.dropped()).toEqual([]);
    expect(it.stream.status()).toMatchObject({ state: "live", counts: { transactions } });
    expect(holds(it.stream.trust)).toBe(true);
    await visible(admin);
    await committing;
    expect(await it.stream.settle(write)).toBe("applied");
    expect(it.dropped()).toContain(tagOf("items"));
  } finally {
    await visible(admin);
  }
});

test("mutant: bump on decode drops what no reader sees", async () => {
  const url = await database("standby_mutant");
  const it = await world("create table items (id int primary key)", {
    url,
    mutant: "bumpOnDecode",
  });
  await it.want("items", { id: "integer" });
  await it.writer.query("set synchronous_commit = on");
  const admin = await invisible(it);
  const committing = it.writer.query("insert into items values (1)");
  try {
    await vi.waitFor(() => expect(it.dropped()).toContain(tagOf("items")));
    expect((await admin.query("select from items")).rowCount).toBe(0);
  } finally {
    await visible(admin);
    await committing;
  }
});

test("a start while a commit is invisible waits for it", async () => {
  const url = await database("standby_start");
  const writer = await client(url);
  await writer.query("create table items (id int primary key); set synchronous_commit = on");
  const admin = await invisible({ url });
  const committing = writer.query("insert into items values (1)");
  try {
    await vi.waitFor(async () => {
      const { rows } = await admin.query(
        "select wait_event from pg_stat_activity where wait_event = 'SyncRep'",
      );
      expect(rows).toHaveLength(1);
    });
    const it = await world("set synchronous_commit = local", { url, startMs: 300 });
    await vi.waitFor(() => expect(it.stream.status().state).toBe("starting"));
    expect(it.stream.trust.ended).toBe(true);
    await vi.waitFor(() => expect(it.stream.status().waitsFor).toHaveLength(1));
    await visible(admin);
    await committing;
    await live(it);
  } finally {
    await visible(admin);
  }
});

test("a walsender that is killed is a gap, and reading starts over with another trust", async () => {
  const url = await database("killed");
  const it = await world("create table items (id int primary key)", { url });
  await it.want("items");
  await live(it);
  const { trust } = it.stream;
  await it.writer.query(
    "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()",
  );
  await vi.waitFor(() => expect(trust.ended).toBe(true));
  expect(holds(trust)).toBe(false);
  await live(it);
  expect(it.stream.trust).not.toBe(trust);
  expect(it.stream.status().counts.gaps).toBe(1);
  await it.writer.query("insert into items values (1)");
  expect(await it.stream.settle(write)).toBe("applied");
  expect(it.dropped()).toEqual([tagOf("items")]);
});

test("connections that swallow everything are noticed and replaced", async () => {
  const url = await database("swallowed");
  const proxy = await faultyProxy({ port: server.port });
  open.push(proxy);
  const through = new URL(url);
  through.port = String(proxy.port);
  const events: string[] = [];
  const it = await world("create table items (id int primary key)", {
    url: through.href,
    maxLagMs: 600,
    onEvent: ({ kind }) => void events.push(kind),
  });
  await it.want("items");
  await live(it);
  const { trust } = it.stream;
  const before = await client(url);
  proxy.mode("black-hole");
  await vi.waitFor(() => expect(holds(trust)).toBe(false), { timeout: 1_500 });
  expect(await it.stream.settle(write)).toBe("queued");
  const captured = instant(systemClock);
  expect(trust.holds(captured.monotonicMs - 400, captured.wallMs - 400)).toBe(false);
  await before.query("insert into items values (1)");
  await vi.waitFor(() => expect(trust.ended).toBe(true), { timeout: 5_000 });
  proxy.mode("pass");
  await live(it);
  await before.query("insert into items values (2)");
  await vi.waitFor(() => expect(it.dropped()).toEqual([tagOf("items")]));
  expect(events).toContain("gap");
});

test("mutant: without heartbeats a swallowed connection is trusted", async () => {
  const url = await database("swallowed_mutant");
  const proxy = await faultyProxy({ port: server.port });
  open.push(proxy);
  const through = new URL(url);
  through.port = String(proxy.port);
  const it = await world("select 1", { url: through.href, mutant: "noHeartbeat" });
  proxy.mode("black-hole");
  await delay(1_500);
  expect(holds(it.stream.trust)).toBe(true);
  proxy.cutAll();
});

test("a restarted server is read again", async () => {
  const own = await startPostgres({ flags: FLAGS });
  let again: PostgresServer | undefined;
  try {
    const it = await world("create table items (id int primary key)", { url: own.url });
    await live(it);
    const { trust } = it.stream;
    await own.stop();
    await vi.waitFor(() => expect(trust.ended).toBe(true));
    expect(await it.stream.settle(write)).toBe("queued");
    expect(it.stream.status()).toMatchObject({ state: "connecting" });
    again = await startPostgres({ flags: FLAGS, port: own.port });
    const password = new URL(own.url).password;
    const admin = await client(again.url);
    await admin.query("create publication hasten for all tables");
    await admin.query(`alter user current_user password '${password}'`);
    await live(it);
  } finally {
    for (const each of open.splice(0).reverse()) await each.close().catch(() => undefined);
    await again?.stop();
  }
});

test("a prepared transaction counts when it is committed", async () => {
  const url = await database("prepared");
  const { stream, dropped, want, writer } = await world("create table items (id int primary key)", {
    url,
  });
  await want("items");
  await writer.query("begin; insert into items values (1); prepare transaction 'p'");
  await stream.settle(write);
  expect(dropped()).toEqual([]);
  await writer.query("commit prepared 'p'");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("items")]);
});

test("a start waits for transactions that were running, and says for which", async () => {
  const url = await database("running");
  const writer = await client(url);
  await writer.query(
    "create table items (id int primary key); begin; insert into items values (1)",
  );
  const it = await world("select 1", { url, startMs: 200 });
  await vi.waitFor(() => expect(it.stream.status().state).toBe("starting"));
  await vi.waitFor(() => expect(it.stream.status().waitsFor).toHaveLength(1));
  await writer.query("commit");
  await live(it);
  expect(it.stream.status().waitsFor).toEqual([]);
});

test("a short wal_sender_timeout is not reached, idle or not", async () => {
  const url = await database("idle");
  const admin = await client(url);
  await admin.query("alter database idle set wal_sender_timeout = '400ms'");
  const it = await world("select 1", { url });
  const { trust } = it.stream;
  await delay(2_000);
  expect(trust.ended).toBe(false);
  expect(it.stream.status().counts.gaps).toBe(0);
});

test("closing while the slot waits for a transaction leaves nothing behind", async () => {
  const url = await database("closing");
  const writer = await client(url);
  await writer.query(
    "create table items (id int primary key); begin; insert into items values (1)",
  );
  const it = await world("select 1", { url, startMs: 200 });
  await vi.waitFor(() => expect(it.stream.status().state).toBe("starting"));
  await delay(300);
  await it.stream.close();
  const { rows } = await writer.query(
    "select application_name from pg_stat_activity where datname = current_database() and application_name like 'hasten stream%'",
  );
  expect(rows).toEqual([]);
  await writer.query("rollback");
});
