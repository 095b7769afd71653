/** What one process reads, another one's leader tells: the rule of `postgres/leader/catalog.ts`. */
import { setTimeout as delay } from "node:timers/promises";
import { startRedis } from "hasten-tools/redis";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import { openSharedTier } from "../../../src/cache/shared/tier/index.ts";
import { broadTag, rowTag, tableTag } from "../../../src/core/sql-tag.ts";
import { createDirect } from "../../../src/postgres/coherence/direct.ts";
import { resolveCoherence } from "../../../src/postgres/coherence/options.ts";
import { WholeCatalog } from "../../../src/postgres/leader/catalog.ts";
import { openSharedStream } from "../../../src/postgres/leader/part.ts";
import type { LeaderMutant } from "../../../src/postgres/leader/types.ts";
import { createStatements } from "../../../src/postgres/statements/create-statements.ts";
import { eventually, exec } from "../../coherence/shop.ts";

/** A leader that has read nothing, and a follower with a statement: what the follower drops. */
async function dropsOfFollower(mutant?: LeaderMutant): Promise<readonly string[]> {
  await using stack = new AsyncDisposableStack();
  const db = await freshDatabase();
  stack.defer(() => db.drop());
  const redis = await startRedis();
  stack.defer(() => redis.stop());
  await exec(
    db.url,
    "create table items (id int primary key, version int not null)",
    "insert into items values (1, 0), (2, 0)",
    "create publication hasten for table items",
  );
  const open = async () => {
    const tier = openSharedTier(redis.url, { namespace: "items" });
    stack.defer(() => tier.close());
    await tier.ready(5_000);
    const direct = createDirect({ url: db.url, driver: undefined, applicationName: "test" });
    stack.defer(() => direct.close());
    const [row] = await direct.run(
      "select current_database()::text as name, current_user::text as role",
    );
    const database = String(row?.["name"]);
    const coverage = { kind: "publication", name: "hasten" } as const;
    const statements = createStatements({ run: direct.run, database, coverage });
    await statements.poll();
    const dropped: string[] = [];
    const stream = await openSharedStream({
      ...{ tier, statements, mutant, options: resolveCoherence({ url: db.url, shared: tier }) },
      audience: { has: () => true },
      drop: (tags) => void dropped.push(...tags),
    });
    stack.defer(() => stream.close());
    await eventually(() => stream.source.trust?.confirmed === true);
    return { statements, dropped, stream, database, role: String(row?.["role"]) };
  };
  await open();
  const { statements, dropped, stream, database, role } = await open();
  const text = "select version from items where id = $1";
  const analysis = await statements.analyzer.analyse(text, {
    searchPath: "public",
    role,
  });
  expect(analysis.kind).toBe("read");
  await exec(db.url, "update items set version = 1 where id = 1");
  await stream.source.settle({ tags: [], complete: true, changesSchema: false });
  await delay(100);
  const table = tableTag({ database, schema: "public", table: "items" });
  expect(dropped).not.toContain(rowTag(table, "id", "2"));
  return dropped.map((tag) => tag.replace(table, "items")).sort();
}

test("a leader that has no statement of a table tells its rows all the same", async () => {
  expect([...new Set(await dropsOfFollower())]).toEqual(["items", "items:id=1"]);
});

test("the mutant that tells only what its own statements read is found: the follower is stale", async () => {
  expect(await dropsOfFollower("ownInterest")).toEqual([]);
});

test("tables, keys, partitions and what is above them are known before anybody reads them", async () => {
  await using stack = new AsyncDisposableStack();
  const db = await freshDatabase();
  stack.defer(() => db.drop());
  await exec(
    db.url,
    "create table items (id int primary key, code text unique, version int)",
    "create table days (day int, id uuid, primary key (day, id)) partition by range (day)",
    "create table days_1 partition of days for values from (0) to (10)",
    "create table wide (a int, b text, c numeric)",
    "alter table wide replica identity full",
    "create publication hasten for all tables",
  );
  const direct = createDirect({ url: db.url, driver: undefined, applicationName: "test" });
  stack.defer(() => direct.close());
  const catalog = new WholeCatalog({ run: direct.run, database: "d", publication: "hasten" });
  await catalog.look();
  const tag = (table: string): string => tableTag({ database: "d", schema: "public", table });
  const known = async (table: string) => {
    const [row] = await direct.run("select $1::regclass::oid::int8::text as oid", [table]);
    const all = catalog.interest.of(Number(row?.["oid"])) ?? [];
    return all.map(({ tableTag: name, columns }) => [name, [...columns.keys()]]).sort();
  };
  expect(await known("items")).toEqual([[tag("items"), ["id"]]]);
  expect(await known("days_1")).toEqual([
    [tag("days"), ["day", "id"]],
    [tag("days_1"), ["day", "id"]],
  ]);
  expect(await known("wide")).toEqual([[tag("wide"), ["a", "b"]]]);

  const before = catalog.version;
  await catalog.look();
  expect(catalog.version).toBe(before);
  await direct.run("analyze");
  await direct.run("truncate items");
  await direct.run("vacuum items");
  await direct.run("create temporary table passing (id int primary key, note text)");
  await direct.run("create index on items (version)");
  await catalog.look();
  expect(catalog.version, "what changes no meaning").toBe(before);
  let version = before;
  for (const change of [
    "create table later (id int primary key)",
    "alter table items rename column code to name",
    "alter table items add column more int",
    "create view newest as select max(id) from items",
    "create or replace view newest as select min(id) as max from items",
    "create function f() returns int language sql immutable as 'select 1'",
    "create or replace function f() returns int language sql immutable as 'select 2'",
    "create type mood as enum ('sad')",
    "alter type mood rename value 'sad' to 'glad'",
    "create type pair as (one int, two int)",
    "alter type pair rename attribute one to first",
    "create aggregate total (int) (sfunc = int4pl, stype = int)",
    "create schema apart",
    "alter table later set schema apart",
    "alter table days detach partition days_1",
    "alter table items enable row level security",
    "create policy own on items using (true)",
    "alter table items replica identity full",
    "drop table wide",
    "create operator === (leftarg = int, rightarg = int, function = int4eq)",
    "alter publication hasten set (publish = 'insert, update, delete')",
  ]) {
    await direct.run(change);
    await catalog.look();
    expect(catalog.version, change).toBeGreaterThan(version);
    version = catalog.version;
  }
  expect(catalog.interest.of(4_000_000_000)?.[0]?.broadTag).toBe(broadTag("sql-unknown"));
});
