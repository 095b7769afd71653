import type { Scenario } from "../scenario.ts";

const ORDERS: readonly string[] = [
  `create table orders (id int primary key, customer_id int not null, kind int not null,
     status text not null, note text not null)`,
  `insert into orders select i, i % 20, i % 50,
     case when i % 200 = 0 then 'open' else 'done' end, 'note ' || i
     from generate_series(1, 40000) i`,
  "create index orders_customer on orders (customer_id)",
  "vacuum analyze orders",
];

const PARALLEL: Readonly<Record<string, string>> = {
  min_parallel_table_scan_size: "0",
  parallel_setup_cost: "0",
  parallel_tuple_cost: "0",
};

/** The rows of one kind are all at the end of the order, or everywhere. */
const EVENTS: readonly string[] = [
  "create table event (id int primary key, late int not null, spread int not null)",
  `insert into event select i, case when i > 39000 then 7 else i % 7 end, i % 40
     from generate_series(1, 40000) i`,
  "vacuum analyze event",
];

export const scans: readonly Scenario[] = [
  {
    rule: "plan/seq-scan-selective-filter",
    setup: ORDERS,
    positive: { query: "select id, note from orders where status = 'open'" },
    negative: { query: "select id, note from orders where kind < 25" },
  },
  {
    rule: "plan/seq-scan-selective-filter",
    variant: "parallel",
    setup: ORDERS,
    positive: { query: "select id from orders where status = 'open'", settings: PARALLEL },
    negative: { query: "select id from orders where status = 'done'", settings: PARALLEL },
  },
  {
    rule: "plan/inefficient-index",
    setup: ORDERS,
    positive: {
      query: "select * from orders where customer_id = 7 and note = 'note 27'",
      settings: { enable_seqscan: "off" },
    },
    negative: {
      query: "select * from orders where customer_id = 7 and kind < 30",
      settings: { enable_seqscan: "off" },
    },
  },
  {
    rule: "plan/inefficient-index",
    variant: "index-scan",
    setup: ORDERS,
    positive: {
      query: "select * from orders where id < 5000 and status = 'open' and kind = 0",
      settings: { enable_seqscan: "off", enable_bitmapscan: "off" },
    },
    negative: {
      query: "select * from orders where id < 5000 and status = 'done' and kind < 10",
      settings: { enable_seqscan: "off", enable_bitmapscan: "off" },
    },
  },
  {
    rule: "plan/order-limit-wrong-index",
    setup: EVENTS,
    positive: { query: "select * from event where late = 7 order by id limit 10" },
    negative: { query: "select * from event where spread = 7 order by id limit 10" },
  },
];
