/**
 * What is in the WAL before the slot's consistent point, and becomes visible after it: the stream
 * never tells it. A server of its own: its settings are changed.
 */
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import type pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { instant } from "../../src/core/trust.ts";
import { client, open, row, tagOf, world, write } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ flags: ["-c", "wal_level=logical"] });
});
afterAll(async () => {
  for (const it of open.splice(0).reverse()) await it.close();
  await server.stop();
});

const waiter = (admin: pg.Client, event: string) => async (): Promise<void> => {
  const text = "select count(*)::int as n from pg_stat_activity where wait_event = $1";
  expect((await admin.query(text, [event])).rows[0].n).toBe(1);
};

/** The walsender waits for exactly this transaction. */
async function slotWaitsFor(admin: pg.Client, xid: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const text = `select from pg_locks l join pg_stat_activity a using (pid)
        where not l.granted and l.locktype = 'transactionid' and l.transactionid = $1::xid
          and a.backend_type = 'walsender'`;
      expect((await admin.query(text, [xid])).rowCount).toBe(1);
    },
    { timeout: 20_000 },
  );
}

async function holder(): Promise<{ it: pg.Client; xid: string }> {
  const it = await client(server.url);
  await it.query("set synchronous_commit = local; begin");
  const { rows } = await it.query("select pg_current_xact_id()::text as xid");
  return { it, xid: rows[0].xid };
}

test("a commit that the slot came too late for, and no reader sees yet, ends what was read before it", async () => {
  const admin = await client(server.url);
  const writer = await client(server.url);
  await admin.query("set synchronous_commit = local; create table items (id int primary key)");
  await admin.query("alter system set synchronous_standby_names = 'nobody'");
  await admin.query("select pg_reload_conf()");
  const first = await holder();
  const started = world("set synchronous_commit = local", { url: server.url, startMs: 200 });
  await slotWaitsFor(admin, first.xid);
  const second = await holder();
  await first.it.query("commit");
  await slotWaitsFor(admin, second.xid);
  // Its record is before the point from which the slot tells commits, and it has the latest id.
  await writer.query("set synchronous_commit = on");
  const committing = writer.query("insert into items values (1)");
  await vi.waitFor(waiter(admin, "SyncRep"));
  await second.it.query("commit");
  const { stream, want, dropped } = await started;
  await want("items");
  await vi.waitFor(() => expect(stream.status().state).toBe("live"), { timeout: 20_000 });
  const { trust } = stream;
  const captured = instant(systemClock);
  expect((await admin.query("select from items")).rowCount).toBe(0);
  await admin.query("alter system reset synchronous_standby_names");
  await admin.query("select pg_reload_conf()");
  await committing;
  expect((await admin.query("select from items")).rowCount).toBe(1);
  // An own write: nothing read before it is fresh once it is settled.
  expect(await stream.settle(write)).toBe("applied");
  const told = dropped().length > 0;
  expect(told || !trust.holds(captured.monotonicMs, captured.wallMs)).toBe(true);
  expect(stream.trust.ended).toBe(false);
});

test("a writer that idles since the slot was made does not hold up the start", async () => {
  const admin = await client(server.url);
  await admin.query("create table goods (id int primary key); drop publication hasten");
  const first = await holder();
  const started = world("select 1", { url: server.url, startMs: 200 });
  await slotWaitsFor(admin, first.xid);
  const second = await holder();
  await first.it.query("commit");
  await slotWaitsFor(admin, second.xid);
  const [idle, other] = [await holder(), await holder()];
  await idle.it.query("insert into goods values (1)");
  await second.it.query("commit");
  const { stream, want, dropped } = await started;
  await want("goods", { id: "integer" });
  await vi.waitFor(() => expect(stream.status().state).toBe("live"), { timeout: 5_000 });
  const { trust } = stream;
  await idle.it.query("commit");
  expect(await stream.settle(write)).toBe("applied");
  expect(dropped()).toEqual([tagOf("goods"), row("goods", "id", "1")]);
  // It was read: nothing is distrusted for it. One that is rolled back costs one refill.
  expect(trust.ended).toBe(false);
  await other.it.query("rollback");
  expect(await stream.settle(write)).toBe("applied");
  expect(trust.ended).toBe(true);
  await vi.waitFor(() => expect(stream.trust.confirmed).toBe(true));
  expect(stream.status().counts.gaps).toBe(1);
});

test("a hand-over that cannot be says so by its code", async () => {
  const admin = await client(server.url);
  await admin.query("drop publication hasten");
  const { stream } = await world("select 1", { url: server.url });
  const both = await Promise.allSettled([stream.handOver(), stream.handOver()]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const refused = both.find((it) => it.status === "rejected");
  expect(refused).toMatchObject({ reason: { code: "HST_PG_STREAM" } });
  await stream.close();
  await expect(stream.handOver()).rejects.toMatchObject({ code: "HST_PG_STREAM" });
});

test("a write that commits within a gap and is settled after it ends what was read before the gap", async () => {
  const admin = await client(server.url);
  await admin.query("drop publication if exists hasten; create table parts (id int primary key)");
  const it = await world("select 1", { url: server.url, boundMs: 30_000 });
  await it.want("parts");
  await vi.waitFor(() => expect(it.stream.status().state).toBe("live"), { timeout: 20_000 });
  const { trust } = it.stream;
  const captured = instant(systemClock);
  // The next slot waits for it, and tells nothing of it.
  const { it: writer, xid } = await holder();
  await writer.query("insert into parts values (1)");
  await admin.query(
    "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()",
  );
  await vi.waitFor(() => expect(trust.ended).toBe(true));
  await slotWaitsFor(admin, xid);
  await writer.query("commit");
  await vi.waitFor(() => expect(it.stream.status().state).toBe("live"), { timeout: 20_000 });
  expect(trust.holds(captured.monotonicMs, captured.wallMs)).toBe(true);
  expect(await it.stream.settle(write)).toBe("applied");
  expect(it.dropped()).toEqual([]);
  expect(trust.holds(captured.monotonicMs, captured.wallMs)).toBe(false);
  expect(it.stream.trust.confirmed).toBe(true);
});
