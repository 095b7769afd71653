import type { Scenario } from "../scenario.ts";

/** Two columns that are always equal, which the planner takes to be independent. */
const DEPENDENT: readonly string[] = [
  "create table item (id int primary key, a int not null, b int not null, owner int not null)",
  "insert into item select i, i % 20, i % 20, i * 7 % 40000 from generate_series(1, 40000) i",
  "create table owner (id int primary key, name text not null)",
  "insert into owner select i, 'owner ' || i from generate_series(0, 39999) i",
  "vacuum analyze item",
  "vacuum analyze owner",
];

const LEARN: readonly string[] = [
  "create statistics if not exists item_a_b_stat (dependencies, ndistinct, mcv) on a, b from item",
  "analyze item",
];

const NOTES: readonly string[] = [
  "create table note (id int primary key, text text not null)",
  "insert into note select i, case i % 2 when 0 then 'Yes' else 'No' end from generate_series(1, 40000) i",
  "vacuum analyze note",
];

export const estimates: readonly Scenario[] = [
  {
    rule: "plan/row-misestimate",
    setup: DEPENDENT,
    positive: { query: "select * from item where a = 3 and b = 3" },
    negative: { query: "select * from item where a = 3 and b = 3", before: LEARN },
  },
  {
    rule: "plan/row-misestimate",
    variant: "below-a-limit",
    setup: DEPENDENT,
    positive: { query: "select * from item where a = 3 and b = 3 limit 1500" },
    negative: { query: "select * from item where a = 3 limit 5" },
  },
  {
    rule: "plan/row-misestimate",
    variant: "in-an-exists",
    setup: DEPENDENT,
    positive: {
      query:
        "select o.id from owner o where exists (select from item where a = 3 and b = 3 and owner = o.id)",
    },
    negative: {
      query:
        "select o.id from owner o where o.id < 5 and exists (select from item where a >= o.id)",
    },
  },
  {
    rule: "plan/stale-statistics",
    setup: [
      "create table visit (id int primary key, day int not null)",
      "insert into visit select i, i / 1000 from generate_series(1, 20000) i",
      "analyze visit",
      "insert into visit select i, i / 1000 from generate_series(20001, 30000) i",
    ],
    positive: { query: "select count(*) from visit where day > 19" },
    negative: { query: "select count(*) from visit where day > 19", before: ["analyze visit"] },
  },
  {
    rule: "plan/stale-statistics",
    variant: "never-analysed",
    setup: [
      "create table visit (id int, day int not null)",
      "insert into visit select i, i / 1000 from generate_series(1, 20000) i",
    ],
    positive: {
      query: "select count(*) from visit where day > 15",
      explain: ["verbose", "format json"],
    },
    negative: {
      query: "select count(*) from visit where day > 15",
      explain: ["verbose", "format json"],
      before: ["analyze visit"],
    },
  },
  {
    rule: "plan/default-selectivity",
    setup: NOTES,
    positive: { query: "select id from note where lower(text) = 'yes'" },
    negative: {
      query: "select id from note where lower(text) = 'yes'",
      before: ["create statistics note_lower_stat on (lower(text)) from note", "analyze note"],
    },
  },
  {
    rule: "plan/default-selectivity",
    variant: "a-third",
    setup: NOTES,
    positive: { query: "select id from note where length(text) > 100" },
    negative: { query: "select id from note where text > 'Z'" },
  },
];

export const explosions: readonly Scenario[] = [
  {
    rule: "plan/nested-loop-explosion",
    setup: DEPENDENT,
    positive: {
      query:
        "select i.id, o.name from item i join owner o on o.id = i.owner where i.a = 3 and i.b = 3",
    },
    negative: {
      query:
        "select i.id, o.name from item i join owner o on o.id = i.owner where i.a = 3 and i.b = 3",
      before: LEARN,
    },
  },
];
