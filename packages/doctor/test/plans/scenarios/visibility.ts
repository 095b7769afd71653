import type { Scenario } from "../scenario.ts";

export const visibility: readonly Scenario[] = [
  {
    rule: "plan/index-only-heap-fetches",
    setup: [
      "create table event (id int primary key, kind int not null)",
      "insert into event select i, i % 10 from generate_series(1, 50000) i",
      "create index event_kind on event (kind, id)",
      "analyze event",
    ],
    positive: {
      query: "select id from event where kind = 3",
      settings: { enable_bitmapscan: "off", enable_seqscan: "off" },
    },
    negative: {
      query: "select id from event where kind = 3",
      // Another process of the server may hold a snapshot for a moment, which stops the first one.
      before: ["vacuum event", "select pg_sleep(0.2)", "vacuum event"],
    },
  },
];
