import { expect, test } from "vitest";
import { catalogOf, relationNamed } from "../testing/catalog.ts";
import { definitionOf, indexName } from "./definition.ts";
import type { Candidate, CandidateKey } from "./types.ts";

const long = "a_rather_long_column_name_that_goes_on";
const catalog = catalogOf({
  orders: { columns: { id: "int8", customer_id: "int8", doc: "jsonb" }, indexes: ["customer_id"] },
  'Od"d.Tä ble': { columns: { [long]: "int4", [`${long}_2`]: "int4" } },
});
const orders = relationNamed(catalog, "orders");
const odd = relationNamed(catalog, 'Od"d.Tä ble');

function key(column: string, more: Partial<CandidateKey> = {}): CandidateKey {
  return {
    column,
    sql: `"${column}"`,
    descending: false,
    nullsFirst: more.descending ?? false,
    opclass: undefined,
    ...more,
  };
}

function candidate(keys: readonly CandidateKey[], more: Partial<Candidate> = {}): Candidate {
  return {
    id: "x",
    relation: orders.oid,
    method: "btree",
    keys,
    include: [],
    predicate: undefined,
    reasons: [],
    statements: [],
    extension: undefined,
    ...more,
  };
}

test("definition: names only what is not the default", () => {
  const keys = [key("customer_id"), key("id", { descending: true })];
  expect(definitionOf(candidate(keys), orders)).toEqual({
    table: '"public"."orders"',
    body: 'using btree ("customer_id", "id" desc)',
  });
});

test("definition: nulls, operator class, payload, predicate", () => {
  const keys = [
    key("customer_id", { nullsFirst: true, opclass: "text_pattern_ops" }),
    key("id", { descending: true, nullsFirst: false }),
  ];
  const made = candidate(keys, { include: ["doc"], predicate: '"doc" is null' });
  expect(definitionOf(made, orders).body).toBe(
    'using btree ("customer_id" text_pattern_ops nulls first, "id" desc nulls last) include ("doc") where "doc" is null',
  );
});

test("definition: no directions outside b-trees", () => {
  const made = candidate([key("doc", { opclass: "jsonb_path_ops" })], { method: "gin" });
  expect(definitionOf(made, orders).body).toBe('using gin ("doc" jsonb_path_ops)');
});

test("definition: quotes the table", () => {
  expect(definitionOf(candidate([key(long)]), odd).table).toBe('"Od""d"."Tä ble"');
});

test("name: plain, then hashed when taken, not plain, or too long", () => {
  expect(indexName(candidate([key("id")]), orders)).toBe("orders_id_idx");
  expect(indexName(candidate([key("customer_id")]), orders)).toMatch(
    /^orders_customer_id_[0-9a-f]{6}_idx$/,
  );
  const descending = candidate([key("id", { descending: true })]);
  expect(indexName(descending, orders)).toMatch(/^orders_id_[0-9a-f]{6}_idx$/);
  const two = indexName(candidate([key(long), key(`${long}_2`)]), odd);
  expect(Buffer.byteLength(two)).toBeLessThanOrEqual(63);
  expect(two).toMatch(/_[0-9a-f]{6}_idx$/);
  const other = indexName(candidate([key(long), key(`${long}_2`)], { include: ["z"] }), odd);
  expect(other).not.toBe(two);
});

test("name: never cuts within a character", () => {
  const wide = "ä".repeat(31);
  const name = indexName(candidate([key(wide)]), { ...odd, name: wide });
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  expect(name).toMatch(/^ä+_[0-9a-f]{6}_idx$/);
});
