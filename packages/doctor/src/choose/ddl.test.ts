import { expect, test } from "vitest";
import type { Candidate } from "../candidates/types.ts";
import { columnsCandidate } from "../testing/candidate.ts";
import { catalogOf, relationNamed } from "../testing/catalog.ts";
import { createDdl, dropDdl } from "./ddl.ts";
import { readable } from "./readable.ts";

const catalog = catalogOf({
  orders: { columns: { id: "int4", customer: "int4", "odd name": "text" }, primary: "id" },
  events: { kind: "partitioned", columns: { id: "int4", at: "timestamptz" } },
  events_1: { columns: { id: "int4", at: "timestamptz" }, parents: ["events"], partition: true },
  events_2: {
    kind: "partitioned",
    columns: { id: "int4", at: "timestamptz" },
    parents: ["events"],
    partition: true,
  },
  events_2a: {
    columns: { id: "int4", at: "timestamptz" },
    parents: ["events_2"],
    partition: true,
  },
});
const orders = relationNamed(catalog, "orders");
const events = relationNamed(catalog, "events");

test("a plain table's index is made and undone concurrently", () => {
  const made = createDdl(columnsCandidate(orders.oid, ["customer"]), orders, catalog);
  expect(made.ddl).toEqual([
    "create index concurrently orders_customer_idx on public.orders (customer);",
  ]);
  expect(made.rollback).toEqual(["drop index concurrently if exists public.orders_customer_idx;"]);
  expect(made.cleanup).toEqual(made.rollback);
});

test("a partitioned table's index is made part by part and attached, at every level", () => {
  const { ddl, cleanup } = createDdl(columnsCandidate(events.oid, ["at"]), events, catalog);
  expect(ddl).toEqual([
    "create index events_at_idx on only public.events (at);",
    "create index concurrently events_1_at_idx on public.events_1 (at);",
    "alter index public.events_at_idx attach partition public.events_1_at_idx;",
    "create index events_2_at_idx on only public.events_2 (at);",
    "create index concurrently events_2a_at_idx on public.events_2a (at);",
    "alter index public.events_2_at_idx attach partition public.events_2a_at_idx;",
    "alter index public.events_at_idx attach partition public.events_2_at_idx;",
  ]);
  expect(cleanup).toEqual([
    "drop index if exists public.events_at_idx;",
    "drop index concurrently if exists public.events_1_at_idx;",
    "drop index concurrently if exists public.events_2a_at_idx;",
  ]);
});

test("an extension comes first, what is replaced goes last and can come back", () => {
  const trigram: Candidate = {
    ...columnsCandidate(orders.oid, ["odd name"]),
    method: "gin",
    keys: [
      {
        column: "odd name",
        sql: '"odd name"',
        descending: false,
        nullsFirst: false,
        opclass: "gin_trgm_ops",
      },
    ],
    extension: "pg_trgm",
  };
  const old = {
    ...relationNamed(
      catalogOf({ orders: { columns: { customer: "int4" }, indexes: ["customer"] } }),
      "orders",
    ).indexes[0]!,
    definition: "CREATE INDEX orders_customer_idx ON public.orders USING btree (customer)",
  };
  const made = createDdl(trigram, orders, catalog, [old]);
  expect(made.ddl[0]).toBe("create extension if not exists pg_trgm;");
  expect(made.ddl.at(-1)).toBe("drop index concurrently public.orders_customer_idx;");
  expect(made.rollback[0]).toBe(
    "create index concurrently orders_customer_idx ON public.orders USING btree (customer);",
  );
  const installed = {
    ...catalog,
    extensions: new Map([["pg_trgm", { version: "1.6", schema: "public" }]]),
  };
  expect(createDdl(trigram, orders, installed).ddl[0]).toMatch(/^create index concurrently/);
});

test("an expression's table is analysed afterwards", () => {
  const lower: Candidate = {
    ...columnsCandidate(orders.oid, ["customer"]),
    keys: [
      {
        column: undefined,
        sql: '(lower("odd name"))',
        descending: false,
        nullsFirst: false,
        opclass: undefined,
      },
    ],
  };
  expect(createDdl(lower, orders, catalog).ddl.at(-1)).toBe("analyze public.orders;");
});

test("everything that is written is safe to run on a busy server", () => {
  const candidates = [orders, events].flatMap((relation) => [
    columnsCandidate(relation.oid, ["id"]),
    columnsCandidate(relation.oid, ["id desc"], { predicate: '"id" is not null' }),
    columnsCandidate(relation.oid, ["id"], { include: ["id"], extension: "btree_gin" }),
  ]);
  for (const candidate of candidates) {
    const relation = candidate.relation === orders.oid ? orders : events;
    const { ddl, rollback, cleanup } = createDdl(candidate, relation, catalog, orders.indexes);
    for (const text of [...ddl, ...rollback, ...cleanup]) expect(faultOf(text)).toBeUndefined();
  }
  const primary = orders.indexes[0]!;
  for (const text of dropDdl(primary, orders).ddl) expect(faultOf(text)).toBeUndefined();
  expect(faultOf("create index a on b (c);")).toBeDefined();
  expect(faultOf("drop index a;")).toBeDefined();
  expect(faultOf("begin; create index concurrently a on b (c);")).toBeDefined();
});

/** Rules as of squawk: no lock that stops writes for as long as a table is read. */
function faultOf(text: string): string | undefined {
  if (/\b(begin|commit|transaction)\b/i.test(text)) return "a transaction";
  if (text.slice(0, -1).includes(";") || !text.endsWith(";")) return "not one statement";
  if (/^create (unique )?index (?!concurrently)/i.test(text) && !/ on only /.test(text))
    return "an index that blocks writes";
  // A partitioned table's can be dropped in no other way.
  if (/^drop index (?!concurrently)/.test(text) && !text.includes("events_"))
    return "a drop that blocks";
  return undefined;
}

test("identifiers are quoted where they must be, strings stay as they are", () => {
  expect(readable(`create index "a" on "public"."order" ("Odd", "user", "b_2")`)).toBe(
    `create index a on public."order" ("Odd", "user", b_2)`,
  );
  expect(readable(`where "s" = '"a"' and "t" = e'\\'"a"'`)).toBe(
    `where s = '"a"' and t = e'\\'"a"'`,
  );
  const backslash = `where "s" = 'a\\' and "t" = 'the "x"'`;
  expect(readable(backslash)).toBe(`where s = 'a\\' and t = 'the "x"'`);
  expect(readable(`"a""b" "ä" "1a"`)).toBe(`"a""b" "ä" "1a"`);
});
