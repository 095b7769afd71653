import { describe, expect, test } from "vitest";
import { type Asked, logOf, loop } from "../../test/traces/findings/hand-made.ts";
import { findIn } from "./find-in.ts";
import { type Environment, THRESHOLDS, thresholdsFor } from "./thresholds.ts";

const find = (asked: readonly Asked[], environment: Environment = "test") =>
  findIn(logOf(asked), THRESHOLDS[environment], { name: "GET /orders", root: "/app" });
const kinds = (asked: readonly Asked[], environment: Environment = "test"): readonly string[] =>
  find(asked, environment).map(({ kind }) => kind);

const USER: Asked = { text: "select * from users where id = $1", values: [7] };
const UPDATE: Asked = { text: "update users set seen = true where id = $1", values: [7] };
const OTHER: Asked = { text: "select count(*) from orders", line: 12 };

describe("duplicate", () => {
  test("what was asked before, with what the others took", () => {
    const [finding] = find([USER, OTHER, { ...USER, tookMs: 3, line: 30, fn: "show" }]);
    expect(finding).toMatchObject({
      kind: "duplicate",
      count: 2,
      wastedMs: 3,
      site: { line: 30, functionName: "show" },
    });
    expect(finding?.evidence).toContain("It is asked for from 2 lines.");
  });

  test.each([
    ["test", 1, []],
    ["test", 2, ["duplicate"]],
    ["development", 2, []],
    ["development", 3, ["duplicate"]],
    ["production", 9, []],
    ["production", 10, ["duplicate"]],
  ] as const)("%s: %i times", (environment, times, wanted) => {
    expect(
      kinds(
        Array.from({ length: times }, () => USER),
        environment,
      ),
    ).toEqual(wanted);
  });

  test.each<[string, readonly Asked[]]>([
    ["other parameters", [USER, { ...USER, values: [8] }]],
    ["written in between", [USER, UPDATE, USER]],
    [
      "written in between through a join",
      [
        { ...USER, text: `${USER.text} and exists (select from orders)` },
        { text: "delete from public.orders" },
        { ...USER, text: `${USER.text} and exists (select from orders)` },
      ],
    ],
    [
      "an item of it in between, whose trigger may have changed it",
      [USER, { text: "insert into orders (user_id) values ($1)", values: [7] }, USER],
    ],
    ["a procedure in between", [USER, { text: "call settle($1)", values: [1] }, USER]],
    ["another transaction", [USER, { ...USER, transaction: 1 }]],
    ["locked", [USER, USER].map((one) => ({ ...one, text: `${one.text} for update` }))],
    [
      "a number that is new each time",
      [{ text: "select nextval('s') from users" }, { text: "select nextval('s') from users" }],
    ],
    [
      "no table",
      [
        { text: "select now() at time zone $1", values: ["x"] },
        { text: "select now() at time zone $1", values: ["x"] },
      ],
    ],
    ["answered by a cache", [USER, { ...USER, cache: "hit" }]],
    ["failed and tried again", [{ ...USER, outcome: "failed" }, USER]],
    ["looked for until it was there", [0, 0, 0, 1].map((rows) => ({ ...USER, rows }))],
    ["looked for with pauses", [100, 115, 130].map((atMs) => ({ ...USER, atMs }))],
    [
      "looked for in vain",
      [0, 0, 0].map((rows) => ({ ...USER, text: `${USER.text} limit 1`, rows })),
    ],
    ["excepted", [USER, { ...USER, unjudged: true }]],
  ])("is none: %s", (_name, asked) => {
    expect(find(asked)).toEqual([]);
  });

  test.each<[string, readonly Asked[]]>([
    ["written elsewhere", [USER, { text: "insert into audit (line) values ($1)" }, USER]],
    [
      "with something between the pauses",
      [
        { ...USER, atMs: 100 },
        { ...OTHER, atMs: 105 },
        { ...USER, atMs: 120 },
      ],
    ],
    [
      "from two lines with a pause",
      [
        { ...USER, atMs: 100 },
        { ...USER, atMs: 130, line: 30 },
      ],
    ],
    ["limited", [USER, USER].map((one) => ({ ...one, text: `${one.text} limit 1` }))],
    ["side by side", [USER, USER].map((one) => ({ ...one, atMs: 100 }))],
    ["two after the write", [USER, UPDATE, USER, USER]],
    ["in one transaction", [USER, USER].map((one) => ({ ...one, transaction: 1 }))],
    ["a date as its parameter", [USER, USER].map((one) => ({ ...one, values: [new Date(5)] }))],
    [
      "bytes as its parameter",
      [USER, USER].map((one) => ({ ...one, values: [Buffer.from("ab")] })),
    ],
  ])("but is one: %s", (_name, asked) => {
    expect(kinds(asked)).toEqual(["duplicate"]);
  });

  test("a loop that is told as N+1 is not told again", () => {
    expect(kinds([...loop(6), ...loop(6)])).toEqual(["n-plus-one"]);
  });
});

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
  line: 11,
};
const RATES: Asked = { text: "select * from rates", rows: 8, tookMs: 10, line: 12 };

describe("serial", () => {
  test("statements that wait for each other, with what side by side would save", () => {
    const [finding, ...more] = find([SALES, STAFF, RATES]);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      kind: "serial",
      statement: "select * from sales where shop = $n",
      count: 3,
      wastedMs: 30,
      site: { line: 10 },
    });
    expect(finding?.evidence.join("\n")).toMatch(/60 ms in a row, 30 ms side by side/);
    expect(finding?.evidence.join("\n")).toMatch(/30 ms: select \* from staff.*\(line 11\)/);
    expect(finding?.fix).toContain("Promise.all");
  });

  test.each([
    ["test", 3, 0.1, ["serial"]],
    ["test", 2, 100, []],
    ["development", 3, 10, ["serial"]],
    ["development", 3, 9, []],
    ["production", 3, 100, []],
    ["production", 4, 17, ["serial"]],
    ["production", 4, 16, []],
  ] as const)("%s: %i statements of %i ms", (environment, count, tookMs, wanted) => {
    const chain = Array.from({ length: count }, (_, n) => ({
      text: `select * from t${n}`,
      rows: 2,
      tookMs,
    }));
    expect(kinds(chain, environment)).toEqual(wanted);
  });

  test.each<[string, readonly Asked[]]>([
    ["side by side", [SALES, STAFF, RATES].map((one) => ({ ...one, atMs: 100 }))],
    ["a parameter that may come from an answer", [SALES, { ...STAFF, values: [41] }, RATES]],
    [
      "an id in the text",
      [
        SALES,
        { ...STAFF, text: "select * from staff where shop_id = 41", values: undefined },
        RATES,
      ],
    ],
    ["parameters that were not seen", [SALES, { ...STAFF, values: undefined }, RATES]],
    ["one row looked up first", [{ ...SALES, rows: 1 }, STAFF, RATES]],
    ["nothing found first", [{ ...SALES, rows: 0 }, STAFF, RATES]],
    ["in one transaction", [SALES, STAFF, RATES].map((one) => ({ ...one, transaction: 1 }))],
    ["a write in between", [SALES, { ...UPDATE, tookMs: 30 }, STAFF, RATES]],
    ["locked rows", [SALES, { ...STAFF, text: `${STAFF.text} for share` }, RATES]],
    ["work in between", [SALES, { ...STAFF, atMs: 126 }, RATES]],
    ["a failed one", [SALES, { ...STAFF, outcome: "failed" }, RATES]],
    [
      "one that does something",
      [SALES, { ...STAFF, text: "select pg_notify($1, 'x') from staff" }, RATES],
    ],
  ])("is none: %s", (_name, asked) => {
    expect(find(asked)).toEqual([]);
  });

  test.each<[string, readonly Asked[]]>([
    [
      "a count first",
      [{ ...SALES, text: "select count(*) from sales where shop = $1", rows: 1 }, STAFF, RATES],
    ],
    [
      "constants in the text",
      [SALES, { ...RATES, text: "select * from staff where state = 'open'" }, RATES],
    ],
    ["truth as a parameter", [SALES, { ...STAFF, values: [true] }, RATES]],
    [
      "the lookup last",
      [
        SALES,
        STAFF,
        { ...RATES, text: "select * from rates where shop = $1", values: [3], rows: 1 },
      ],
    ],
    [
      "after a lookup of its own",
      [USER, { ...SALES, values: [9] }, { ...STAFF, values: [9] }, RATES],
    ],
    ["little work in between", [SALES, { ...STAFF, atMs: 124 }, RATES]],
  ])("but is one: %s", (_name, asked) => {
    expect(kinds(asked)).toEqual(["serial"]);
  });
});

describe("large answers", () => {
  const all: Asked = { text: "select id from orders", rows: 1_000, tookMs: 10 };

  test.each([
    ["test", 999, []],
    ["test", 1_000, ["unbounded"]],
    ["development", 1_000, ["unbounded"]],
    ["production", 4_999, []],
    ["production", 5_000, ["unbounded"]],
  ] as const)("%s: %i rows", (environment, rows, wanted) => {
    expect(kinds([{ ...all, rows }], environment)).toEqual(wanted);
  });

  test("it tells the rows and what those beyond the threshold took", () => {
    const [finding] = find([{ ...all, rows: 4_000, bytes: 40_960 }]);
    expect(finding).toMatchObject({ count: 4_000, wastedMs: 7.5, site: { line: 10 } });
    expect(finding?.evidence[0]).toContain("4000 rows, 40 KiB");
  });

  test.each<[string, Asked]>([
    ["limited", { ...all, text: `${all.text} limit 5000` }],
    ["by keys", { ...all, text: `${all.text} where id = any($1)` }],
    ["streamed", { ...all, streamed: true }],
    ["copied", { ...all, text: "copy orders to stdout" }],
    ["written", { ...all, text: "update orders set a = 1 returning id" }],
    ["cached", { ...all, cache: "hit" }],
  ])("none: %s", (_name, one) => {
    expect(find([one])).toEqual([]);
  });

  test("SELECT * only where it costs", () => {
    const wide: Asked = { text: "select * from pages limit 200", rows: 128, bytes: 131_072 };
    const [finding] = find([wide]);
    expect(finding).toMatchObject({ kind: "select-everything", count: 128, wastedMs: 0 });
    expect(finding?.evidence[0]).toContain("128 KiB for 128 rows, 1 KiB a row");
    expect(kinds([{ ...wide, bytes: 131_071 }])).toEqual([]);
    expect(kinds([{ ...wide, rows: 129 }])).toEqual([]);
    expect(kinds([{ ...wide, text: "select id, body from pages limit 200" }])).toEqual([]);
    expect(kinds([{ ...wide, bytes: 0 }])).toEqual([]);
    expect(kinds([wide], "production")).toEqual([]);
    expect(kinds([{ ...wide, rows: 1, bytes: 1_048_576 }], "production")).toEqual([
      "select-everything",
    ]);
  });
});

describe("budget", () => {
  const many = (count: number): readonly Asked[] =>
    Array.from({ length: count }, (_, n) => ({
      text: n % 3 === 0 ? "update a set b = 1" : `select a${n % 7} from t${n % 11}`,
      values: [n],
      line: n,
      tookMs: 0.1,
    }));

  test("in production only, beyond 100", () => {
    expect(kinds(many(100), "production")).toEqual([]);
    expect(kinds(many(101), "production")).toEqual(["budget"]);
    expect(kinds(many(101), "development")).toEqual([]);
    const [finding] = find(many(101), "production");
    expect(finding).toMatchObject({ count: 101, statement: "update a set b = ?" });
    expect(finding?.evidence.join("\n")).toContain("34 times: update a set b = ?");
  });

  test("control statements do not count, those that were not kept do", () => {
    const begun = Array.from({ length: 50 }, () => ({ text: "begin" }));
    expect(kinds([...many(100), ...begun], "production")).toEqual([]);
    const log = logOf(many(100));
    log.beyond = 1;
    const found = findIn(log, thresholdsFor("production"), { name: "x" });
    expect(found.map(({ count }) => count)).toEqual([101]);
  });
});

test("the same log gives the same findings, whatever its parameters hold", () => {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  const odd = [ring, Symbol("x"), undefined, 10n, [1, [2]], "x".repeat(5_000), () => 1];
  const asked = [...odd, ...odd].map((value) => ({ ...USER, values: [value] }));
  expect(find(asked)).toEqual(find(asked));
});
