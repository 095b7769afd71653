import type {} from "hasten-tools/vitest";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { identifier, qualified } from "./identifier.ts";

const NAMES = [
  "orders",
  "customer_id",
  "_x",
  "a1",
  "1a",
  "Order",
  "order",
  "user",
  "select",
  "name",
  "value",
  "between",
  "left",
  "substring",
  "coalesce",
  "a b",
  'a"b',
  "a$b",
  "été",
  "a-b",
  "A",
  "is",
  "status",
  "key",
  "row",
  "values",
];

test("names are written as quote_ident() writes them, every keyword among them", async () => {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  try {
    const { rows: words } = await client.query<{ word: string }>(
      "select word from pg_get_keywords()",
    );
    const names = [...NAMES, ...words.map(({ word }) => word)];
    const { rows } = await client.query<{ quoted: string }>(
      "select quote_ident(name) as quoted from unnest($1::text[]) with ordinality as t (name, at) order by at",
      [names],
    );
    expect(names.map(identifier)).toEqual(rows.map(({ quoted }) => quoted));
  } finally {
    await client.end();
  }
});

test("parts are joined by dots", () => {
  expect(qualified(["public", "order"])).toBe('public."order"');
});
