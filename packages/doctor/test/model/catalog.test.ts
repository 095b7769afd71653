import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Relation } from "../../src/catalog/types.ts";
import { testTarget } from "./test-target.ts";

const SCHEMA = `
create schema "odd "" name";
create domain email as text collate "C" check (value ~ '@');
create domain work_email as email;
create type mood as enum ('sad', 'ok');
create table customers (id int primary key, mail work_email, felt mood, tags text[], name text collate "C");
create table "odd "" name"."Order" (
  id bigint generated always as identity primary key,
  "Customer" int not null references customers (id),
  at timestamptz not null, note text
) with (fillfactor = 80);
create index "by At" on "odd "" name"."Order" (at desc nulls last, "Customer") include (note) where note is not null;
create index on "odd "" name"."Order" (lower(note) text_pattern_ops);
create table events (id int, at date not null) partition by range (at);
create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01');
create index on events (at);
create view recent as select id from events where at > '2026-01-15';
create table animals (id int);
create table cats (lives int) inherits (animals);
insert into customers select n, n || '@', 'ok', '{a}', 'n' from generate_series(1, 100) n;
insert into events select n, date '2026-01-01' + n % 50 from generate_series(1, 1000) n;
analyze;`;

test("the schema is read: names, columns, keys, partitions, inheritance, numbers", async () => {
  await using db = await freshDatabase();
  const setup = new pg.Client(db.url);
  await setup.connect();
  await setup.query(SCHEMA);
  await setup.end();
  await using target = await testTarget(db.url);

  const catalog = await readCatalog(target);

  expect(catalog.major).toBe(18);
  expect(catalog.searchPath).toEqual(["public"]);
  expect(catalog.extensions.get("plpgsql")?.schema).toBe("pg_catalog");
  expect(catalog.available.has("plpgsql")).toBe(true);
  expect(catalog.settings["random_page_cost"]).toBe("4");
  expect(catalog.settings["work_mem"]).toBe("4MB");
  expect(catalog.leftOut).toBe(0);
  const of = (name: string): Relation => {
    const found = catalog.relations.find((relation) => relation.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  const order = of("Order");
  expect(order).toMatchObject({ schema: 'odd " name', fillfactor: 80, kind: "table", rows: 0 });
  expect(order.foreignKeys).toMatchObject([
    { columns: ["Customer"], references: of("customers").oid, referencedColumns: ["id"] },
  ]);
  expect(order.indexes.find(({ name }) => name === "by At")).toMatchObject({
    method: "btree",
    include: ["note"],
    predicate: "(note IS NOT NULL)",
    keys: [
      { column: "at", descending: true, nullsFirst: false, opclassDefault: true },
      { column: "Customer", descending: false, nullsFirst: false },
    ],
  });
  expect(order.indexes.find(({ name }) => name === "Order_lower_idx")?.keys).toMatchObject([
    {
      column: undefined,
      expression: "lower(note)",
      opclass: "text_pattern_ops",
      opclassDefault: false,
    },
  ]);
  expect(order.indexes.find(({ primary }) => primary)?.constraint).toBe("Order_pkey");
  const customers = of("customers");
  expect(customers.columns.map(({ baseType, category }) => [baseType, category])).toEqual([
    ["int4", "N"],
    ["text", "S"],
    ["mood", "E"],
    ["_text", "A"],
    ["text", "S"],
  ]);
  expect(customers.columns[4]?.collation).toMatchObject({ name: "C", isC: true });
  expect(customers.columns[0]?.numbers).toMatchObject({ distinct: 100, nullShare: 0 });
  expect(customers.columns[2]?.numbers?.topShare).toBe(1);
  const events = of("events");
  expect(events).toMatchObject({ kind: "partitioned", rows: 1000 });
  expect(events.pages).toBe(of("events_1").pages + of("events_2").pages);
  expect(events.columns[1]?.numbers?.distinct).toBe(50);
  expect(of("events_1")).toMatchObject({ isPartition: true, parents: [events.oid] });
  expect(of("events_1").indexes[0]?.parent).toBe(events.indexes[0]?.oid);
  expect(of("cats")).toMatchObject({ isPartition: false, parents: [of("animals").oid] });
  expect(of("recent").viewText).toContain("events");
});
