import type { Scenario } from "../scenario.ts";

const EVENTS: readonly string[] = [
  "create table event (id int primary key, kind int not null, note text not null)",
  "insert into event select i, i % 50, 'note ' || i from generate_series(1, 40000) i",
  "create index event_kind on event (kind)",
  "vacuum analyze event",
];

/** Values so far apart that no two are on the same page of the index. */
const SPREAD = Array.from({ length: 105 }, (_, i) => 1 + i * 380).join(", ");

/** Keys that begin alike, so that comparing them is what sorting costs. */
/** Long keys, alike in their first characters, in no order. */
const SIDE = (name: string, rows: number, first: string): readonly string[] => [
  `create table ${name} (key text not null, value int not null)`,
  `insert into ${name} select repeat('${first}', 60) || md5((i * 7919 % 40009)::text), i
     from generate_series(1, ${rows}) i`,
  `analyze ${name}`,
];

export const shapes: readonly Scenario[] = [
  {
    rule: "plan/offset",
    setup: EVENTS,
    positive: { query: "select * from event order by id offset 15000 limit 10" },
    negative: { query: "select * from event where id > 15000 order by id limit 10" },
  },
  {
    rule: "plan/cte-materialised",
    setup: EVENTS,
    positive: {
      query: `with recent as materialized (select * from event where id > 1000)
        select * from recent where kind = 7 and id < 2000`,
    },
    negative: {
      query: `with recent as not materialized (select * from event where id > 1000)
        select * from recent where kind = 7 and id < 2000`,
    },
  },
  {
    rule: "plan/cte-materialised",
    variant: "in-a-loop",
    setup: EVENTS,
    positive: {
      query: `with few as materialized (select id, kind from event where id <= 300)
        select e.id from event e, lateral (select count(*) as n from few where few.id > e.id) f
        where e.id <= 200 and f.n > 5`,
    },
    // It cannot be inlined, and is read once.
    negative: {
      query: `with recursive up as (select 1 as i union all select i + 1 from up where i < 12000)
        select sum(i) from up`,
    },
  },
  {
    rule: "plan/partition-pruning-missed",
    setup: [
      `create table log (day int not null, device int not null, note text not null)
         partition by range (day)`,
      ...Array.from(
        { length: 12 },
        (_, i) => `create table log_${i + 1} partition of log for values from (${i}) to (${i + 1})`,
      ),
      "insert into log select i % 12, i % 100, 'note' from generate_series(1, 24000) i",
      "create index log_device on log (device)",
      "analyze log",
    ],
    positive: { query: "select note from log where device = 5" },
    negative: { query: "select note from log where device = 5 and day >= 11" },
  },
  {
    rule: "plan/partition-pruning-missed",
    variant: "whole-table",
    setup: [
      "create table log (day int not null, device int not null) partition by list (day)",
      ...Array.from(
        { length: 12 },
        (_, i) => `create table log_${i + 1} partition of log for values in (${i + 1})`,
      ),
      "insert into log select 1 + i % 12, i % 100 from generate_series(1, 24000) i",
      "analyze log",
    ],
    positive: { query: "select day from log where device = 5" },
    // All rows are asked for.
    negative: { query: "select day, sum(device) from log group by day" },
  },
  {
    rule: "plan/many-index-searches",
    since: 18,
    setup: EVENTS,
    positive: {
      query: `select note from event where id = any (array[${SPREAD}])`,
      settings: { enable_seqscan: "off" },
    },
    negative: { query: "select note from event where id = any (array[1, 500, 9000, 30000])" },
  },
  {
    rule: "plan/over-fetch",
    setup: [
      "create table document (id int primary key, body text not null)",
      "insert into document select i, repeat(md5(i::text), 40) from generate_series(1, 10000) i",
      "analyze document",
    ],
    positive: { query: "select * from document" },
    negative: { query: "select id from document" },
  },
  {
    rule: "plan/whole-table-count",
    setup: EVENTS,
    positive: { query: "select count(*) from event" },
    negative: { query: "select count(*) from event where kind = 7" },
  },
  {
    rule: "plan/whole-table-count",
    variant: "parallel",
    setup: EVENTS,
    positive: {
      query: "select count(*) from event",
      settings: {
        parallel_setup_cost: "0",
        parallel_tuple_cost: "0",
        min_parallel_table_scan_size: "0",
        min_parallel_index_scan_size: "0",
      },
    },
    // Groups are an answer that only reading everything gives.
    negative: { query: "select kind, count(*) from event group by kind" },
  },
  {
    rule: "plan/merge-join-sorts",
    // The join is over when the right side is, so that nearly all the time is the left one's sort.
    setup: [...SIDE("left_side", 40_000, "k"), ...SIDE("right_side", 4_000, "a")],
    positive: {
      query: "select count(l.value) from left_side l join right_side r using (key)",
      settings: {
        enable_hashjoin: "off",
        enable_nestloop: "off",
        max_parallel_workers_per_gather: "0",
        work_mem: "64MB",
      },
    },
    negative: {
      query: "select count(l.value) from left_side l join right_side r using (key)",
      before: [
        "create index on left_side (key, value)",
        "create index on right_side (key)",
        "vacuum left_side",
        "vacuum right_side",
      ],
      settings: {
        enable_hashjoin: "off",
        enable_nestloop: "off",
        enable_sort: "off",
        max_parallel_workers_per_gather: "0",
      },
    },
  },
];
