import type { Scenario } from "../scenario.ts";

const CUSTOMERS: readonly string[] = [
  "create table customer (id int primary key, number int not null, city int not null)",
  "insert into customer select i, i, i % 700 from generate_series(1, 1000) i",
  "create table orders (id int primary key, customer_id int not null, city int not null)",
  "insert into orders select i, 1 + i % 1000, i % 700 from generate_series(1, 5000) i",
  "vacuum analyze customer",
  "vacuum analyze orders",
];

const LOOP: Readonly<Record<string, string>> = {
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  enable_material: "off",
  enable_memoize: "off",
};

export const joins: readonly Scenario[] = [
  {
    rule: "plan/inner-seq-scan",
    setup: CUSTOMERS,
    positive: {
      query: `select o.id, c.city from orders o join customer c on c.number = o.customer_id
        where o.id <= 100`,
      settings: LOOP,
    },
    negative: {
      query: `select o.id, c.city from orders o join customer c on c.number = o.customer_id
        where o.id <= 100`,
      settings: LOOP,
      before: ["create index customer_number on customer (number)"],
    },
  },
  {
    rule: "plan/join-filter-waste",
    setup: CUSTOMERS,
    positive: {
      query: `select a.id, b.id from customer a join customer b
        on a.number between b.number + 1 and b.number + 2`,
    },
    negative: { query: "select a.id, b.id from customer a join customer b on a.number = b.number" },
  },
  {
    rule: "plan/join-filter-waste",
    variant: "or",
    setup: CUSTOMERS,
    positive: {
      query: `select o.id, c.id from orders o join customer c
        on c.number = o.customer_id or c.city = o.city where o.id <= 500`,
    },
    negative: {
      query: `select o.id, c.id from orders o join customer c on c.number = o.customer_id
          where o.id <= 500
        union select o.id, c.id from orders o join customer c on c.city = o.city
          where o.id <= 500`,
    },
  },
];
