import type { Scenario } from "../scenario.ts";

/** Few rows a page, so that a small table has many. */
const ITEMS: readonly string[] = [
  "create table item (id int primary key, a int not null, b int not null) with (fillfactor = 10)",
  "insert into item select i, i % 20, (i / 20) % 20 from generate_series(1, 40000) i",
  "create index item_a on item (a)",
  "create index item_b on item (b)",
  "vacuum analyze item",
];

const BITMAP: Readonly<Record<string, string>> = {
  enable_seqscan: "off",
  enable_indexscan: "off",
  max_parallel_workers_per_gather: "0",
};

export const bitmaps: readonly Scenario[] = [
  {
    rule: "plan/lossy-bitmap",
    setup: ITEMS,
    positive: {
      query: "select * from item where a < 5",
      settings: { ...BITMAP, work_mem: "64kB" },
    },
    negative: {
      query: "select * from item where a < 5",
      settings: { ...BITMAP, work_mem: "16MB" },
    },
  },
  {
    rule: "plan/lossy-bitmap",
    variant: "vague-index",
    setup: [
      "create table page (id int primary key, words tsvector not null)",
      `insert into page select i, to_tsvector('simple',
         case when i % 100 = 0 then 'alpha beta' else 'alpha then beta' end)
         from generate_series(1, 12000) i`,
      "create index page_words on page using gin (words)",
      "vacuum analyze page",
    ],
    positive: {
      query: "select id from page where words @@ phraseto_tsquery('simple', 'alpha beta')",
      settings: BITMAP,
    },
    negative: {
      query: "select id from page where words @@ to_tsquery('simple', 'alpha & beta')",
      settings: BITMAP,
    },
  },
  {
    rule: "plan/bitmap-and",
    setup: ITEMS,
    positive: { query: "select * from item where a = 3 and b = 4", settings: BITMAP },
    negative: {
      query: "select * from item where a = 3 and b = 4",
      before: ["create index item_a_b on item (a, b)"],
    },
  },
];
