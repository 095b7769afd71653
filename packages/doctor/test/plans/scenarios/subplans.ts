import type { Scenario } from "../scenario.ts";

const CUSTOMERS: readonly string[] = [
  "create table customer (id int primary key, city int not null)",
  "insert into customer select i, i % 70 from generate_series(1, 1000) i",
  "create table orders (id int primary key, customer_id int not null)",
  "insert into orders select i, 1 + i % 900 from generate_series(1, 5000) i",
  "create index orders_customer on orders (customer_id)",
  "vacuum analyze customer",
  "vacuum analyze orders",
];

export const subplans: readonly Scenario[] = [
  {
    rule: "plan/correlated-subplan",
    setup: CUSTOMERS,
    positive: {
      query: `select c.id, (select count(*) from orders o where o.customer_id = c.id) as orders
        from customer c`,
    },
    negative: {
      query: `select c.id, coalesce(o.n, 0) as orders from customer c left join
        (select customer_id, count(*) as n from orders group by customer_id) o
        on o.customer_id = c.id`,
    },
  },
  {
    rule: "plan/correlated-subplan",
    variant: "few-rows",
    setup: CUSTOMERS,
    positive: {
      query: `select c.id from customer c
        where c.city < 20 and 3 < (select count(*) from orders o where o.customer_id = c.id)`,
    },
    negative: {
      query: `select c.id, (select count(*) from orders o where o.customer_id = c.id) as orders
        from customer c where c.id <= 10`,
    },
  },
  {
    rule: "plan/not-in-subplan",
    setup: CUSTOMERS,
    positive: {
      query: "select id from customer where id not in (select customer_id from orders)",
    },
    negative: {
      query: `select id from customer c
        where not exists (select from orders o where o.customer_id = c.id)`,
    },
  },
  {
    rule: "plan/not-in-subplan",
    variant: "not-hashed",
    setup: CUSTOMERS,
    positive: {
      query: `select id from customer
        where id <= 300 and id not in (select customer_id from orders)`,
      settings: { work_mem: "64kB", hash_mem_multiplier: "1" },
    },
    // The list is constant: there is no subquery to run.
    negative: { query: "select id from customer where id not in (1, 2, 3)" },
  },
];
