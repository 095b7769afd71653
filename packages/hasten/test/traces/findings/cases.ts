/** What must be found in which log: the short list that every planted mistake has to fail. */
import type { FindingKind, Thresholds } from "../../../src/traces/index.ts";
import { type Asked, loop } from "./hand-made.ts";

export interface Case {
  readonly name: string;
  readonly asked: readonly Asked[];
  readonly found: readonly FindingKind[];
  /** @default "test" */
  readonly environment?: "production" | "development";
  readonly thresholds?: Partial<Thresholds>;
}

const USER: Asked = { text: "select * from users where id = $1", values: [7] };
const AUDIT: Asked = { text: "insert into audit (line) values ($1)", values: ["x"] };
const INSERT: Asked = { text: "insert into users (id) values ($1)", values: [7] };
const UPDATE: Asked = { text: "update users set seen = true where id = $1", values: [7] };
const SALES: Asked = {
  text: "select * from sales where shop = $1",
  values: [3],
  rows: 9,
  tookMs: 20,
};
const STAFF: Asked = {
  text: "select * from staff where shop = $1",
  values: [3],
  rows: 5,
  tookMs: 30,
};
const COUNTS: readonly Asked[] = [
  { text: "select count(*) from sales", tookMs: 20 },
  { text: "select sum(total) from orders", tookMs: 20 },
];
const ROLES: Asked = { text: "select count(*) from users where role = $1" };
const RATES: Asked = { text: "select * from rates", rows: 8, tookMs: 10 };
const PAGE: Asked = { text: "select * from pages limit 200", rows: 128, bytes: 131_072 };
const each = (asked: readonly Asked[], after: Asked): readonly Asked[] =>
  asked.flatMap((one, n) => [
    { ...one, transaction: n + 1 },
    { ...after, transaction: n + 1 },
  ]);

/** Each is found but the last. */
const tried = (...slugs: readonly string[]): readonly Asked[] =>
  slugs.map((slug, n) => ({
    text: "select 1 from users where slug = $1 limit 1",
    values: [slug],
    rows: n < slugs.length - 1 ? 1 : 0,
  }));
const locked = (times: number, written: number): readonly Asked[] =>
  loop(times, { text: "select * from users where id = $1 for update" }).flatMap((one, n) => [
    { ...one, transaction: 1 },
    { ...(n < written ? UPDATE : AUDIT), transaction: 1 },
  ]);

const yes = (name: string, found: FindingKind, asked: readonly Asked[]): Case => ({
  name,
  asked,
  found: [found],
});
const no = (name: string, asked: readonly Asked[]): Case => ({ name, asked, found: [] });

export const CASES: readonly Case[] = [
  yes("three from one line", "n-plus-one", loop(3)),
  no("two from one line", loop(2)),
  { ...no("three of four", loop(3)), thresholds: { repeatsMin: 4 } },
  no(
    "eight lines, of which five were captured",
    loop(12).map((one, n) => ({ ...one, line: n < 5 ? n : undefined })),
  ),
  no(
    "eight lines",
    loop(8).map((one, n) => ({ ...one, line: n })),
  ),
  no("= any", loop(6, { text: "select * from users where id = any($1)" })),
  { ...yes("ten quick ones", "n-plus-one", loop(10, { tookMs: 0.1 })), environment: "development" },
  { ...no("nine quick ones", loop(9, { tookMs: 0.1 })), environment: "development" },
  no("pages", loop(6, { text: "select * from users where id > $1 limit 9", rows: 9 })),
  no(
    "a validator",
    loop(6).flatMap((one) => [one, INSERT]),
  ),
  no("a transaction each", each(loop(6), UPDATE)),
  yes(
    "a transaction each to read",
    "n-plus-one",
    loop(6).map((one, n) => ({ ...one, transaction: n + 1 })),
  ),
  no(
    "from one to the next",
    loop(6).map((one, n) => ({ ...one, follows: n > 0 })),
  ),
  yes(
    "one that does not follow",
    "n-plus-one",
    loop(6).map((one, n) => ({ ...one, follows: n > 1 })),
  ),
  no("variants until one is free", tried("post", "post-2", "post-3", "post-4")),
  yes("words until one is not there", "n-plus-one", tried("post", "mail", "note", "page")),
  yes("variants that go on", "n-plus-one", [
    ...tried("post", "post-2", "post-3", "post-4"),
    ...tried("post-5"),
  ]),
  no("locked, and written", locked(6, 6)),
  yes("locked, and seldom written", "n-plus-one", locked(6, 2)),
  yes("twice the same", "duplicate", [USER, USER]),
  no("twice another", [USER, { ...USER, values: [8] }]),
  no("written in between", [USER, UPDATE, USER]),
  yes("written elsewhere", "duplicate", [USER, AUDIT, USER]),
  yes(
    "limited",
    "duplicate",
    [USER, USER].map((one) => ({ ...one, text: `${one.text} limit 1` })),
  ),
  no(
    "waited for",
    [0, 0, 1].map((rows) => ({ ...USER, rows })),
  ),
  yes("a loop of loops", "n-plus-one", [...loop(6), ...loop(6)]),
  yes("a chain", "serial", [SALES, STAFF, RATES]),
  yes("a word after counts", "serial", [...COUNTS, { ...COUNTS[0]!, ...ROLES, values: ["admin"] }]),
  no("a number after counts", [...COUNTS, { ...COUNTS[0]!, ...ROLES, values: [7] }]),
  yes("a chain from a count", "serial", [
    { ...SALES, text: "select count(*) from sales where shop = $1", rows: 1 },
    STAFF,
    RATES,
  ]),
  no("a chain of answers", [SALES, { ...STAFF, values: [41] }, RATES]),
  no("a chain of ids in the text", [
    SALES,
    { text: "select * from staff where shop_id = 41", rows: 5, tookMs: 30 },
    RATES,
  ]),
  no("a lookup first", [{ ...SALES, rows: 1 }, STAFF, RATES]),
  no(
    "side by side",
    [SALES, STAFF, RATES].map((one) => ({ ...one, atMs: 100 })),
  ),
  no(
    "one transaction",
    [SALES, STAFF, RATES].map((one) => ({ ...one, transaction: 1 })),
  ),
  yes("all rows", "unbounded", [{ text: "select id from orders", rows: 1_000 }]),
  no("a limit", [{ text: "select id from orders limit 5000", rows: 5_000 }]),
  no("a stream", [{ text: "select id from orders", rows: 5_000, streamed: true }]),
  yes("wide rows", "select-everything", [PAGE]),
  no("narrow rows", [{ ...PAGE, rows: 200 }]),
  no("wide rows by name", [{ ...PAGE, text: "select id, body from pages limit 200" }]),
  {
    ...no(
      "a hundred",
      Array.from({ length: 100 }, (_, n) => ({ ...UPDATE, values: [n] })),
    ),
    environment: "production",
  },
  no("cached", loop(6, { cache: "hit" })),
  no("excepted", loop(6, { unjudged: true })),
  no("a queue", loop(6, { application: "pgboss" })),
  no("inserts", loop(6, { text: INSERT.text })),
];
