import type { Scenario } from "../scenario.ts";

const EVENTS: readonly string[] = [
  "create table event (id int primary key, kind int not null, note text not null)",
  "insert into event select i, i % 2, md5(i::text) from generate_series(1, 20000) i",
  "create index event_kind on event (kind)",
  "vacuum analyze event",
];

const SMALL: Readonly<Record<string, string>> = { work_mem: "64kB", hash_mem_multiplier: "1" };
const LARGE: Readonly<Record<string, string>> = { work_mem: "64MB" };

/** Both with the same plan, in too little memory and in enough. */
function pair(
  query: string,
  settings: Readonly<Record<string, string>>,
): Pick<Scenario, "positive" | "negative"> {
  return {
    positive: { query, settings: { ...settings, ...SMALL } },
    negative: { query, settings: { ...settings, ...LARGE } },
  };
}

export const spills: readonly Scenario[] = [
  {
    rule: "plan/disk-sort",
    setup: EVENTS,
    ...pair("select * from event order by note", {}),
  },
  {
    rule: "plan/disk-sort",
    variant: "in-workers",
    setup: EVENTS,
    ...pair("select * from event order by note", {
      min_parallel_table_scan_size: "0",
      parallel_setup_cost: "0",
      parallel_tuple_cost: "0",
    }),
  },
  {
    rule: "plan/incremental-sort-spill",
    setup: EVENTS,
    ...pair("select * from event order by kind, note", {
      enable_seqscan: "off",
      enable_sort: "off",
    }),
  },
  {
    rule: "plan/hash-batches",
    setup: EVENTS,
    ...pair("select a.note from event a join event b on a.note = b.note", {
      enable_mergejoin: "off",
      enable_nestloop: "off",
    }),
  },
  {
    rule: "plan/hash-aggregate-spill",
    setup: EVENTS,
    ...pair("select note, count(*) from event group by note", { enable_sort: "off" }),
  },
  {
    rule: "plan/temporary-io",
    setup: EVENTS,
    ...pair(
      `with wide as materialized (select id, note || repeat('x', 600) as text from event)
         select a.id from wide a where a.text > '0'`,
      {},
    ),
  },
  {
    rule: "plan/temporary-io",
    variant: "function",
    setup: [],
    ...pair("select count(*) from generate_series(1, 1000000)", {}),
  },
];
