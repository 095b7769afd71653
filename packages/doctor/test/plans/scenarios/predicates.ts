import type { Scenario } from "../scenario.ts";

const ORDERS: readonly string[] = [
  `create table orders (id int primary key, code varchar(40) not null, email text not null,
     note text not null, placed_at timestamp not null)`,
  `insert into orders select i, 'code' || i, 'Name' || i || '@example.org', 'note ' || md5(i::text),
     timestamp '2026-01-01' + i * interval '1 minute' from generate_series(1, 30000) i`,
  "create index orders_code on orders (code)",
  "create index orders_email on orders (email)",
  "create index orders_placed_at on orders (placed_at)",
  "vacuum analyze orders",
];

export const predicates: readonly Scenario[] = [
  {
    rule: "plan/cast-blocks-index",
    setup: ORDERS,
    positive: { query: "select email from orders where id = 5.0::numeric" },
    negative: { query: "select email from orders where id = '5'" },
  },
  {
    rule: "plan/cast-blocks-index",
    variant: "text",
    setup: ORDERS,
    positive: { query: "select email from orders where id::text = '5'" },
    // A varchar compared with a text is cast in name only.
    negative: {
      query: "select id from orders where code <> 'code5'::text and note = 'note 1'",
    },
  },
  {
    rule: "plan/cast-blocks-index",
    variant: "date",
    setup: ORDERS,
    positive: { query: "select id from orders where placed_at::date = date '2026-01-05'" },
    negative: {
      query: `select id from orders
        where placed_at >= date '2026-01-05' and placed_at < date '2026-01-06'`,
    },
  },
  {
    rule: "plan/function-on-column",
    setup: ORDERS,
    positive: { query: "select id from orders where lower(email) = 'name5@example.org'" },
    negative: {
      query: "select id from orders where lower(email) = 'name5@example.org'",
      before: ["create index orders_lower_email on orders (lower(email))", "analyze orders"],
    },
  },
  {
    rule: "plan/function-on-column",
    variant: "date-trunc",
    setup: ORDERS,
    positive: {
      query: `select id from orders
        where date_trunc('day', placed_at) = timestamp '2026-01-05 00:00'`,
    },
    // A function of a column that no index is on; rule 1 is about that.
    negative: { query: "select id from orders where length(note) = 5" },
  },
  {
    rule: "plan/function-on-column",
    variant: "arithmetic",
    setup: ORDERS,
    positive: { query: "select code from orders where id + 1 = 5000" },
    negative: { query: "select code from orders where id = 5000 - 1" },
  },
  {
    rule: "plan/leading-wildcard",
    setup: ORDERS,
    positive: { query: "select id from orders where note like '%abcdef%'" },
    negative: { query: "select id from orders where note like 'note abcdef%'" },
  },
  {
    rule: "plan/leading-wildcard",
    variant: "varchar",
    setup: ORDERS,
    positive: { query: "select id from orders where code ilike '%99'" },
    // The wildcard is in a string, not in a pattern.
    negative: { query: "select id from orders where note = '~~ ''%note'" },
  },
];
