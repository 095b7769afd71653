import { setTimeout as delay } from "node:timers/promises";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import type { LoggedInvalidation } from "../../../core/invalidation-log.ts";
import type { TableInterest } from "../../statements/interest.ts";
import { createDirect, type Direct } from "../direct.ts";
import { preflight } from "../preflight/preflight.ts";
import { setUp } from "../prepare.ts";
import { openTriggers, type TriggersSource } from "./source.ts";

const BOUND_MS = 500;
let database: TestDatabase;
let client: pg.Client;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create table customers (id int primary key, name text);
    create table orders (id int primary key, customer int references customers on delete cascade);
    create table audit (line text);
    create function note() returns trigger language plpgsql as
      $$ begin insert into audit values ('changed'); return null; end $$;
    create trigger noted after update on customers for each row execute function note();
    create table parts (id int, day int, primary key (id, day)) partition by range (day);
    create table parts_1 partition of parts for values from (0) to (10);
    insert into customers values (1, 'a'), (2, 'b'); insert into orders values (1, 1);`);
});
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
  await client.end();
  await database.drop();
});

interface Reader {
  readonly source: TriggersSource;
  readonly direct: Direct;
  /** Table names in the order they were dropped. */
  readonly dropped: string[];
  readonly named: ReadonlyMap<number, string>;
}

async function reader(node: string): Promise<Reader> {
  const { rows } = await client.query(
    "select oid::int as oid, relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
  );
  const named = new Map(rows.map(({ oid, name }) => [oid as number, name as string]));
  const interests = new Map<number, readonly TableInterest[]>(
    [...named].map(([oid, name]) => [
      oid,
      [{ tableTag: name, broadTag: `${name}:*`, columns: new Map() }],
    ]),
  );
  const direct = createDirect({ url: database.url, driver: undefined, applicationName: "test" });
  const dropped: string[] = [];
  const source = await openTriggers({
    direct,
    node,
    interest: { of: (oid) => interests.get(oid) },
    poll: async () => [],
    drop: (tags) => dropped.push(...tags.filter((tag) => !tag.endsWith(":*"))),
    boundMs: BOUND_MS,
    heartbeatMs: 50,
    maxLagMs: 2_000,
    clock: systemClock,
  });
  opened.push(source, direct);
  return { source, direct, dropped, named };
}

const until = async (holds: () => boolean, limitMs = 5_000): Promise<number> => {
  const beganMs = performance.now();
  while (!holds()) {
    if (performance.now() - beganMs > limitMs) throw new Error("not reached");
    await delay(2);
  }
  return performance.now() - beganMs;
};

test("a foreign change is dropped within the bound: cascades, triggers, TRUNCATE and partitions included", async () => {
  await setUp({ url: database.url, triggers: true });
  const { dropped, source } = await reader("a");
  const dropsOf = async (statement: string): Promise<readonly string[]> => {
    await source.settle({ tags: [], complete: true, changesSchema: false });
    dropped.length = 0;
    await client.query(statement);
    const tookMs = await until(() => dropped.length > 0);
    expect(tookMs).toBeLessThan(BOUND_MS);
    await source.settle({ tags: [], complete: true, changesSchema: false });
    return [...new Set(dropped)].sort();
  };
  expect(await dropsOf("update customers set name = 'c' where id = 1")).toEqual([
    "audit",
    "customers",
  ]);
  expect(await dropsOf("delete from customers where id = 1")).toEqual(["customers", "orders"]);
  expect(await dropsOf("insert into parts values (1, 1)")).toEqual(["parts", "parts_1"]);
  expect(await dropsOf("insert into parts_1 values (2, 2)")).toEqual(["parts_1"]);
  expect(await dropsOf("truncate parts_1")).toEqual(["parts_1"]);
  expect(await dropsOf("truncate customers cascade")).toEqual(["customers", "orders"]);
  expect(await dropsOf("copy (select 1) to stdout; insert into orders select 9, null")).toEqual([
    "orders",
  ]);
});

test("a transaction that takes long is neither missed nor dropped early", async () => {
  await setUp({ url: database.url, triggers: true });
  const { dropped, source } = await reader("a");
  const settle = () => source.settle({ tags: [], complete: true, changesSchema: false });
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query("begin");
  await other.query("insert into orders values (7, null)");
  await other.query("savepoint s");
  await other.query("update customers set name = 'x'");
  await other.query("rollback to s");
  for (let i = 0; i < 5; i++) {
    await client.query("insert into parts values ($1, 1)", [i]);
    expect(await settle()).toBe("applied");
  }
  expect(dropped).not.toContain("orders");
  await other.query("commit");
  await settle();
  expect(dropped).toContain("orders");
  expect(dropped).not.toContain("customers");
  await other.end();
});

test("own writes: settled before the caller goes on; shared by many", async () => {
  await setUp({ url: database.url, triggers: true });
  const { dropped, source } = await reader("a");
  await client.query("update customers set name = 'z' where id = 2");
  const write = { tags: [], complete: false, changesSchema: false };
  expect(await Promise.all(Array.from({ length: 50 }, () => source.settle(write)))).toEqual(
    Array.from({ length: 50 }, () => "applied"),
  );
  expect(dropped).toContain("audit");
});

test("a change of a relation that nothing is known to depend on raises unmappedSeq", async () => {
  await client.query("create table unknown_to_it (id int primary key)");
  await setUp({ url: database.url, triggers: true });
  const { source, named } = await reader("a");
  const [oid] = [...named].find(([, name]) => name === "unknown_to_it")!;
  (named as Map<number, string>).delete(oid);
  await client.query("create table later (id int primary key)");
  await setUp({ url: database.url, triggers: true });
  const before = source.unmappedSeq;
  await client.query("insert into later values (1)");
  await source.settle({ tags: [], complete: true, changesSchema: false });
  expect(source.unmappedSeq).toBeGreaterThan(before);
});

test("a lost connection is a gap: the trust ends, a write meanwhile is queued, and it recovers", async () => {
  await setUp({ url: database.url, triggers: true });
  const { source, dropped } = await reader("a");
  const trust = source.trust;
  await until(() => trust.confirmed);
  const capture = { monotonicMs: performance.now(), wallMs: Date.now() };
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and datname = current_database()",
  );
  await until(() => trust.ended);
  await client.query("update customers set name = 'missed'");
  const outcome = await source.settle({ tags: [], complete: true, changesSchema: false });
  if (outcome === "queued") expect(trust.holds(capture.monotonicMs, capture.wallMs)).toBe(false);
  await until(() => source.status().state === "live");
  expect(source.trust).not.toBe(trust);
  expect(trust.holds(capture.monotonicMs - BOUND_MS, capture.wallMs)).toBe(false);
  dropped.length = 0;
  await client.query("insert into orders values (99, null)");
  await until(() => dropped.includes("orders"));
});

test("invalidations travel in order to every other process, not back", async () => {
  await setUp({ url: database.url, triggers: true });
  const [a, b] = [await reader("a"), await reader("b")];
  const heard: Record<string, LoggedInvalidation[]> = { a: [], b: [] };
  a.source.log.subscribe((it) => heard["a"]!.push(it));
  b.source.log.subscribe((it) => heard["b"]!.push(it));
  const invalidation = (tag: string): LoggedInvalidation => ({
    cache: "shop",
    how: "deleted",
    keys: [],
    tags: [tag],
    prefixes: [],
  });
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => a.source.log.publish(invalidation(`t${i}`))),
  );
  expect(outcomes.every(({ kind }) => kind === "applied")).toBe(true);
  await until(() => heard["b"]!.length === 20);
  expect(heard["b"]!.map(({ tags }) => tags[0])).toEqual(
    Array.from({ length: 20 }, (_, i) => `t${i}`),
  );
  await a.source.settle({ tags: [], complete: true, changesSchema: false });
  expect(heard["a"]).toEqual([]);
});

test("setting up needs the owner, is repeatable, and preflight then promises triggers", async () => {
  expect((await preflight({ url: database.url })).promise).toBe("own-writes");
  expect((await setUp({ url: database.url, triggers: true }))[0]).toBe("created the change log");
  expect(await setUp({ url: database.url, triggers: true })).toEqual([]);
  expect((await preflight({ url: database.url })).promise).toBe("triggers");
  await client.query("alter table orders disable trigger hasten_changes");
  const { findings } = await preflight({ url: database.url });
  expect(findings.find(({ id }) => id === "tables-untriggered")!.tables).toEqual(["public.orders"]);
});
