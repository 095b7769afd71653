import type { Scenario } from "../scenario.ts";

/** All joined by one column, so that each may be joined to each: the planner looks at every order. */
const JOINED = Array.from({ length: 11 }, (_, i) => `part${i + 1}`);

export const overhead: readonly Scenario[] = [
  {
    rule: "plan/jit-overhead",
    build: "debian-15",
    setup: [
      "create table sale (id int primary key, kind int not null, price int not null)",
      "insert into sale select i, i % 7, i % 100 from generate_series(1, 5000) i",
      "vacuum analyze sale",
    ],
    positive: {
      query: "select kind, sum(price), avg(price * 2) from sale where price > 3 group by kind",
      settings: { jit_above_cost: "0", jit_inline_above_cost: "0", jit_optimize_above_cost: "0" },
    },
    negative: {
      query: "select kind, sum(price), avg(price * 2) from sale where price > 3 group by kind",
    },
  },
  {
    rule: "plan/planning-dominates",
    setup: JOINED.flatMap((name) => [
      `create table ${name} (id int primary key, other int not null)`,
      `insert into ${name} values (1, 1)`,
      `create index on ${name} (other)`,
      `analyze ${name}`,
    ]),
    positive: {
      query: `select count(*) from ${JOINED.join(" join ").replaceAll(/join (part\d+)/g, "join $1 using (id)")}`,
      settings: { join_collapse_limit: "12", from_collapse_limit: "12", geqo_threshold: "20" },
    },
    negative: { query: "select other from part1 where id = 1" },
  },
  {
    rule: "plan/workers-not-launched",
    setup: [
      "create table tick (id int not null, price int not null)",
      "insert into tick select i, i % 100 from generate_series(1, 50000) i",
      "analyze tick",
    ],
    positive: {
      query: "select sum(price) from tick",
      settings: {
        max_parallel_workers: "0",
        max_parallel_workers_per_gather: "1",
        parallel_setup_cost: "0",
        parallel_tuple_cost: "0",
        min_parallel_table_scan_size: "0",
      },
    },
    negative: {
      query: "select sum(price) from tick",
      settings: {
        max_parallel_workers_per_gather: "1",
        parallel_setup_cost: "0",
        parallel_tuple_cost: "0",
        min_parallel_table_scan_size: "0",
      },
    },
  },
  {
    rule: "plan/trigger-time",
    setup: [
      "create table account (id int primary key)",
      "create table entry (id int primary key, account_id int not null references account)",
      "insert into account select i from generate_series(1, 20000) i",
      "insert into entry select i, 1 + i % 10000 from generate_series(1, 40000) i",
      "vacuum analyze account",
      "vacuum analyze entry",
    ],
    positive: { query: "delete from account where id between 15001 and 15020" },
    negative: {
      query: "delete from account where id between 16001 and 16020",
      before: ["create index entry_account on entry (account_id)"],
    },
  },
  {
    rule: "plan/trigger-time",
    variant: "own-trigger",
    setup: [
      "create table item (id int primary key, seen int not null default 0)",
      `create function slow() returns trigger language plpgsql as
         $$ begin perform sum(i) from generate_series(1, 20000) i; return null; end $$`,
      "create trigger item_slow after update of seen on item for each row execute function slow()",
      "create table plain (like item including all)",
      "insert into item select i from generate_series(1, 1000) i",
      "insert into plain select i from generate_series(1, 1000) i",
      "vacuum analyze item",
      "vacuum analyze plain",
    ],
    positive: { query: "update item set seen = seen + 1 where id <= 20" },
    negative: { query: "update plain set seen = seen + 1 where id <= 20" },
  },
  {
    rule: "plan/settings-forced",
    setup: [
      "create table member (id int primary key, name text not null)",
      "insert into member select i, 'name' || i from generate_series(1, 5000) i",
      "analyze member",
    ],
    positive: {
      query: "select name from member where id > 10",
      settings: { enable_seqscan: "off" },
    },
    // Not the default, yet it forbids nothing.
    negative: {
      query: "select name from member where id > 10",
      settings: { enable_partitionwise_join: "on", work_mem: "8MB" },
    },
  },
  {
    rule: "plan/settings-forced",
    variant: "without-settings",
    setup: [
      "create table member (id int, name text not null)",
      "insert into member select i, 'name' || i from generate_series(1, 5000) i",
      "analyze member",
    ],
    positive: {
      query: "select name from member where id > 10",
      settings: { enable_seqscan: "off" },
      explain: ["analyze", "format json"],
    },
    negative: {
      query: "select name from member where id > 10",
      explain: ["analyze", "format json"],
    },
  },
];
