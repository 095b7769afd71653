import { describe, expect, test } from "vitest";
import { type Asked, logOf, loop, SITE } from "../../test/traces/findings/hand-made.ts";
import type { FindContext } from "./facts.ts";
import { findIn } from "./find-in.ts";
import { type Environment, THRESHOLDS, thresholdsFor } from "./thresholds.ts";

const ROOT = "/app";
const find = (
  asked: readonly Asked[],
  environment: Environment = "test",
  context: Partial<FindContext> = {},
) => findIn(logOf(asked), THRESHOLDS[environment], { name: "GET /orders", root: ROOT, ...context });
const kinds = (...given: Parameters<typeof find>): readonly string[] =>
  find(...given).map(({ kind }) => kind);
const LIST: Asked = { text: "select id, user_id from orders limit 50", rows: 6, line: 8 };

test("a loop is found with its line, its parent, its cost and the fix; no value is in it", () => {
  const secrets = loop(6).map((one, n) => ({ ...one, values: [`secret-${n}`] }));
  const [finding, ...more] = find([LIST, ...secrets]);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({
    kind: "n-plus-one",
    trace: "GET /orders",
    statement: "select * from users where id = $n",
    site: SITE,
    count: 6,
    wastedMs: 10,
    key: JSON.stringify([
      "n-plus-one",
      "src/orders.ts",
      "listOrders",
      "select * from users where id = $n",
    ]),
  });
  expect(finding?.evidence.join("\n")).toMatch(/6 times with 6 different.*one after the other/);
  expect(finding?.evidence.join("\n")).toMatch(/one statement brought 6 rows.*from orders/);
  expect(finding?.fix).toContain('db.byIds("users", "id", ids)');
  expect(JSON.stringify(finding)).not.toContain("secret");
});

test("the parent is one whose rows are as many, give or take one, and that was asked once", () => {
  const evidence = (...asked: readonly Asked[]): string =>
    find([...asked, ...loop(6)])[0]!.evidence.join(" ");
  expect(evidence({ ...LIST, rows: 7 })).toContain("brought 7 rows");
  expect(evidence({ ...LIST, rows: 5 })).toContain("brought 5 rows");
  expect(evidence({ ...LIST, rows: 8 })).not.toContain("brought");
  expect(evidence(LIST, { ...LIST, rows: 3 })).not.toContain("brought");
  expect(evidence(LIST, { text: "select now()", line: 9 })).toContain("brought 6 rows");
});

test("side by side is the same, and its cost is the time that passed", () => {
  const together = loop(20).map((one, n) => ({ ...one, atMs: 100 + n * 0.1, tookMs: 5 }));
  const [finding] = find(together);
  expect(finding?.kind).toBe("n-plus-one");
  expect(finding?.evidence[0]).toContain("side by side");
  expect(finding?.wastedMs).toBeCloseTo(1.9, 5);
});

test.each([
  ["test", 2, 2, []],
  ["test", 3, 0, ["n-plus-one"]],
  ["development", 4, 100, []],
  ["development", 5, 1.9, []],
  ["development", 5, 2, ["n-plus-one"]],
  ["development", 9, 0.1, []],
  ["development", 10, 0.1, ["n-plus-one"]],
  ["production", 7, 100, []],
  ["production", 8, 6, []],
  ["production", 8, 6.3, ["n-plus-one"]],
  ["production", 16, 0.1, ["n-plus-one"]],
] as const)("%s: %i times of %d ms", (environment, times, tookMs, wanted) => {
  expect(kinds(loop(times, { tookMs }), environment)).toEqual(wanted);
});

test("distinct parameters are counted, not calls", () => {
  const twice = loop(12).map((one, n) => ({ ...one, values: [n % 4] }));
  expect(kinds(twice, "development")).toEqual(["duplicate"]);
  const five = loop(12).map((one, n) => ({ ...one, values: [n % 5] }));
  expect(kinds(five, "development")).toEqual(["n-plus-one"]);
});

test("data in the text itself are parameters", () => {
  const inlined = loop(4).map((_, n) => ({
    text: `SELECT "id" FROM "Users" AS "User" WHERE "User"."id" = ${n + 500}`,
  }));
  const [finding] = find(inlined);
  expect(finding?.fix).toContain('db.byIds("Users", "id", ids)');
  const same = inlined.map(() => inlined[0]!);
  expect(kinds(same)).toEqual(["duplicate"]);
});

test("jobs are judged by four times the threshold", () => {
  expect(kinds(loop(11), "test", { kind: "job" })).toEqual([]);
  expect(kinds(loop(12), "test", { kind: "job" })).toEqual(["n-plus-one"]);
  expect(kinds(loop(3), "test", { kind: "request" })).toEqual(["n-plus-one"]);
});

describe("from one line", () => {
  test("the same statement from several lines is no loop, sampled or not", () => {
    const lines = loop(8).map((one, n) => ({ ...one, line: 10 + n }));
    expect(kinds(lines)).toEqual([]);
    const sampled = lines.map((one, n) => (n >= 1 && n < 6 ? one : { ...one, line: undefined }));
    expect(kinds(sampled)).toEqual([]);
  });

  test("what was not sampled comes from where the samples do", () => {
    const sampled = loop(100).map((one, n) => ({
      ...one,
      line: n === 1 || n === 2 ? 10 : undefined,
    }));
    expect(find(sampled, "production")[0]).toMatchObject({ count: 100, site: SITE });
  });

  test("two loops of one statement are two findings, each with its own", () => {
    const first = loop(4).map((one, n) => ({ ...one, line: n === 0 ? undefined : 10 }));
    const second = loop(30).map((one, n) => ({
      ...one,
      line: n < 2 ? 20 : undefined,
      fn: "other",
    }));
    const found = find([...first, ...second]);
    expect(found.map(({ site, count }) => [site?.line, count])).toEqual([
      [10, 4],
      [20, 30],
    ]);
  });

  test("without any line it is told, without one", () => {
    expect(find(loop(6, { line: undefined }))[0]).toMatchObject({ site: undefined, count: 6 });
  });
});

describe("is none", () => {
  const text = "select * from users where id = $1";
  test.each<[string, readonly Asked[]]>([
    ["= any", loop(6, { text: "select * from users where id = any($1)" })],
    ["a list of keys", loop(6, { text: "select * from users where id in ($1, $2)" })],
    ["a cached answer", loop(6, { cache: "hit" })],
    ["a failed one", loop(6, { outcome: "failed" })],
    ["a catalog", loop(6, { text: "select * from pg_class where oid = $1" })],
    ["pg-boss by its schema", loop(6, { text: "select * from pgboss.job where id = $1" })],
    ["pg-boss by its name", loop(6, { application: "pgboss" })],
    ["hasten's own batch", loop(6, { application: "hasten-batch" })],
    ["a sequence", loop(6, { text: "select nextval($1)" })],
    ["a lock", loop(6, { text: "select pg_advisory_xact_lock($1)" })],
    ["a pause", loop(6, { unjudged: true })],
    ["a loop of inserts", loop(6, { text: "insert into users (id) values ($1)" })],
    ["begin and commit", Array.from({ length: 6 }, () => ({ text: "begin" }))],
    [
      "pages",
      loop(6, { text: "select * from users where id > $1 order by id limit 100", rows: 100 }),
    ],
    [
      "offsets",
      loop(6, { text: "select * from users order by id limit 100 offset $1", rows: 100 }),
    ],
    [
      "a validator",
      loop(6).flatMap((one) => [one, { text: "insert into users (id) values ($1)" }]),
    ],
    [
      "validators side by side",
      [...loop(6), ...loop(6, { text: "insert into users (id) values ($1)" })],
    ],
    [
      "the end of a list that is followed",
      loop(6, { text: "select * from users where id > $1 order by id limit 100" }).map(
        (one, n) => ({ ...one, atMs: 100 + n * 10, rows: n % 2 }),
      ),
    ],
    [
      "a search for a free name",
      [
        ...loop(6).map((one, n) => ({ ...one, rows: n < 5 ? 1 : 0 })),
        { text: "insert into users (id) values ($1)" },
      ],
    ],
    [
      "a transaction for each item",
      loop(6).flatMap((one, n) => [
        { ...one, transaction: n + 1 },
        { text: "update users set seen = true where id = $1", transaction: n + 1 },
      ]),
    ],
    ["health checks", Array.from({ length: 9 }, () => ({ text: "select 1" }))],
    ["migrations", loop(6, { text: "create table t (id int)" })],
    ["fetches of a cursor", loop(6, { text: "fetch 100 from c" })],
  ])("%s", (_name, asked) => {
    expect(find(asked)).toEqual([]);
  });

  // Its counterpart beside each, so that no exception swallows what it should not.
  test.each<[string, readonly Asked[]]>([
    ["one key in a list", loop(6, { text: "select * from users where id in ($1)" })],
    ["a missed cache", loop(6, { cache: "miss" })],
    [
      "the newest of each",
      loop(6, { text: "select * from posts where by = $1 order by id desc limit 3", rows: 3 }),
    ],
    [
      "pages of which one is short",
      loop(6, { text: "select * from users where id > $1 limit 9", rows: 9 }).map((one, n) => ({
        ...one,
        rows: n === 2 ? 4 : 9,
      })),
    ],
    [
      "an insert elsewhere",
      loop(6).flatMap((one) => [one, { text: "insert into audit (id) values ($1)" }]),
    ],
    ["transactions that only read", loop(6).map((one, n) => ({ ...one, transaction: n + 1 }))],
    [
      "one transaction for all",
      loop(6).flatMap((one) => [
        { ...one, transaction: 1 },
        { text: "update users set seen = true where id = $1", transaction: 1 },
      ]),
    ],
    ["an application of another name", loop(6, { application: "shop" })],
    ["an application of the name by default", loop(6, { application: "hasten" })],
    ["a cursor for each", loop(6, { streamed: true })],
  ])("but %s is one", (_name, asked) => {
    expect(find(asked).map(({ kind, statement }) => [kind, statement.slice(0, 6)])).toEqual([
      ["n-plus-one", "select"],
    ]);
  });

  test("what the application accepts, by site or statement", () => {
    const allow = (item: NonNullable<FindContext["allow"]>[number]) =>
      kinds(loop(6, { text }), "test", { allow: [item] });
    expect(allow({ site: "src/orders.ts:listOrders" })).toEqual([]);
    expect(allow({ site: /orders\.ts:/g })).toEqual([]);
    expect(allow({ statement: "from users" })).toEqual([]);
    expect(allow({ statement: /from users/, kind: "duplicate" })).toEqual(["n-plus-one"]);
    expect(allow({ site: "src/other.ts" })).toEqual(["n-plus-one"]);
  });

  test("writes are judged where that is asked for", () => {
    const writes = loop(6, { text: "insert into users (id) values ($1)", rows: 1 });
    const [finding] = find(writes, "test", { writes: true });
    expect(finding?.fix).toContain('db.bulk("users").insert(rows)');
    expect(kinds(loop(6, { text: "copy users from stdin" }), "test", { writes: true })).toEqual([]);
  });
});

test("lists get the fix for lists", () => {
  const [finding] = find(loop(6, { text: "select * from items where order_id = $1", rows: 4 }));
  expect(finding?.fix).toContain("groupBy: (row) => row.order_id");
});

test("own thresholds count", () => {
  const own = thresholdsFor("test", { repeatsMin: 7, distinctMin: 7 });
  expect(findIn(logOf(loop(6)), own, { name: "x" })).toEqual([]);
  expect(findIn(logOf(loop(7)), own, { name: "x" })).toHaveLength(1);
});
