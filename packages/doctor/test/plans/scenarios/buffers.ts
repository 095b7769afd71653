import type { Scenario } from "../scenario.ts";

export const buffers: readonly Scenario[] = [
  {
    rule: "plan/low-cache-hit",
    setup: [
      // Made through a ring of 16 MB, so that most of its 40 MB is in no buffer afterwards.
      `create table document as
         select i as id, repeat('x', 1000) as body from generate_series(1, 36000) i`,
      "create table draft as select i as id from generate_series(1, 100000) i",
      "analyze document",
      "analyze draft",
    ],
    positive: { query: "select count(body) from document where id % 2 = 0" },
    negative: {
      query: "select count(*) from draft where id % 2 = 0",
      before: ["select count(*) from draft"],
    },
  },
  {
    rule: "plan/blocks-per-row",
    setup: [
      "create table reading (device text not null, at int not null, note text not null)",
      `insert into reading select md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text), i,
         repeat('n', 300) from generate_series(1, 60000) i`,
      "create index reading_device_at on reading (device, at)",
      "create index reading_at on reading (at)",
      "vacuum analyze reading",
    ],
    positive: {
      query: "select note from reading where at between 500 and 503",
      before: ["drop index reading_at"],
      settings: { enable_seqscan: "off", enable_bitmapscan: "off" },
    },
    negative: {
      query: "select note from reading where at between 500 and 503",
      before: ["create index reading_at on reading (at)"],
    },
  },
];
