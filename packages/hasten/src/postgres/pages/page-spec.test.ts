import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countQuery,
  definePage,
  estimateQuery,
  ident,
  keyRing,
  offsetQuery,
  type PageOptions,
  pageQuery,
  sortIndex,
  sql,
} from "../index.ts";
import { selectFields } from "./fields.ts";
import { clampLimit } from "./limit.ts";

const options = {
  from: "documents",
  key: ["id"],
  columns: {
    id: { type: "uuid" },
    slug: { type: "text", unique: true },
    name: { type: "text", sql: sql`document ->> 'name'` },
    rank: { type: "int", nullable: false },
    score: { type: "numeric" },
    "owner.name": { type: "text", sql: sql`document -> 'owner' ->> 'name'` },
    "owner.id": { type: "text", sql: sql`document -> 'owner' ->> 'id'` },
    document: { type: "json" },
    secret: { type: "text", select: false },
  },
  sorts: {
    rank: ["-rank"],
    name: [{ column: "name", direction: "desc", nulls: "last" }],
    slug: ["slug", "rank"],
    mixed: ["rank", "-score"],
    secret: ["secret"],
  },
  cursor: { keys: keyRing([{ id: "k", secret: "s".repeat(32) }]) },
} as const satisfies PageOptions;
const list = definePage(options);

describe("a definition", () => {
  const wrong = (change: Record<string, unknown>): (() => unknown) => {
    return () => definePage({ ...options, ...change } as PageOptions);
  };
  const columns = (more: Record<string, unknown>): Record<string, unknown> => ({
    columns: { ...options.columns, ...more },
  });
  test.each([
    ["a type that is not known", "HST_PAGE_COLUMN", columns({ x: { type: "varchar" } })],
    ["a name that is no name", "HST_PAGE_COLUMN", columns({ "a b": { type: "int" } })],
    ["a name of an object's own", "HST_PAGE_COLUMN", columns({ "a.constructor": { type: "int" } })],
    ["text instead of sql", "HST_PAGE_COLUMN", columns({ x: { type: "int", sql: "a; drop" } })],
    [
      "sql with a parameter",
      "HST_PAGE_COLUMN",
      columns({ x: { type: "int", sql: sql`a + ${1}` } }),
    ],
    ["a nullable key", "HST_PAGE_COLUMN", columns({ id: { type: "uuid", nullable: true } })],
    [
      "two meanings of one name",
      "HST_PAGE_COLUMN",
      columns({ x: { type: "text", sql: ident("name") } }),
    ],
    ["a key that is no column", "HST_PAGE_KEY", { key: ["nope"] }],
    ["no key", "HST_PAGE_KEY", { key: [] }],
    ["a key that is not shown", "HST_PAGE_KEY", { key: ["secret"] }],
    ["a sort by an unknown column", "HST_PAGE_SORT", { sorts: { x: ["nope"] } }],
    ["a sort by json", "HST_PAGE_SORT", { sorts: { x: ["document"] } }],
    ["a sort that repeats a column", "HST_PAGE_SORT", { sorts: { x: ["rank", "-rank"] } }],
    ["an empty sort", "HST_PAGE_SORT", { sorts: { x: [] } }],
    ["no sort at all", "HST_PAGE_SORT", { sorts: {} }],
    [
      "a direction of its own",
      "HST_PAGE_SORT",
      { sorts: { x: [{ column: "rank", direction: "up" }] } },
    ],
    [
      "NULLs in the middle",
      "HST_PAGE_SORT",
      { sorts: { x: [{ column: "rank", nulls: "middle" }] } },
    ],
    ["an unknown default", "HST_PAGE_SORT", { sortDefault: "nope" }],
    ["a limit of nothing", "HST_PAGE_LIMIT", { limit: { max: 0 } }],
    ["a default above the limit", "HST_PAGE_LIMIT", { limit: { default: 200, max: 100 } }],
    ["a limit without bound", "HST_PAGE_LIMIT", { limit: { max: Number.POSITIVE_INFINITY } }],
    ["a source with a parameter", "HST_PAGE_FROM", { from: sql`f(${1})` }],
    ["no source", "HST_PAGE_FROM", { from: sql`` }],
  ])("is refused for %s", (_name, code, change) => {
    expect(wrong(change)).toThrow(expect.objectContaining({ code }));
  });

  test("ends every sort by the key, in the direction of its last column", () => {
    const order = (sort: string): string => pageQuery(list, { sort }).text.split("order by ")[1]!;
    expect(order("rank")).toMatch(/^"rank" desc, "id" desc\n/);
    expect(order("-rank")).toMatch(/^"rank" asc, "id" asc\n/);
    expect(order("mixed")).toMatch(/^"rank" asc, "score" desc nulls first, "id" desc\n/);
    expect(order("-mixed")).toMatch(/^"rank" desc, "score" asc nulls last, "id" asc\n/);
  });

  test("drops what follows a unique column, which cannot matter", () => {
    expect(pageQuery(list, { sort: "slug" }).text).toContain('order by "slug" collate "C" asc\n');
  });

  test("lets a sort declared with a minus win over the reverse of another", () => {
    const spec = definePage({
      ...options,
      sorts: {
        score: ["score"],
        "-score": [{ column: "score", direction: "desc", nulls: "last" }],
      },
    });
    expect(pageQuery(spec, { sort: "-score" }).text).toContain('"score" desc nulls last');
  });

  test("without sorts is sorted by its key", () => {
    const spec = definePage({
      from: "t",
      key: ["b", "a"],
      columns: { a: { type: "int" }, b: { type: "int" } },
      cursor: options.cursor,
    });
    expect([spec.sortDefault, pageQuery(spec).text.split("\n")[2]]).toEqual([
      "key",
      'order by "b" asc, "a" asc',
    ]);
  });
});

describe("a request", () => {
  test.each(["nope", "", "--rank", "constructor", "__proto__", "rank; drop table x", 7])(
    "for the sort %j is refused",
    (sort) => {
      const use = (): unknown => pageQuery(list, { sort: sort as string });
      expect(use).toThrow(
        expect.objectContaining({
          problem: expect.objectContaining({
            status: 400,
            type: expect.stringContaining("unknown-sort"),
            allowed: list.sortNames,
          }),
        }),
      );
    },
  );

  test("P8: any limit is clamped, and what is no number is the default", () => {
    const limit = { default: 20, max: 100 };
    const cases: [unknown, number][] = [
      [0, 1],
      [-1, 1],
      [1e9, 100],
      ["abc", 20],
      ["", 20],
      [" ", 20],
      [undefined, 20],
      [Number.NaN, 20],
      ["0", 1],
      ["-1", 1],
      ["1e9", 100],
      ["5", 5],
      ["5.9", 5],
      [Number.POSITIVE_INFINITY, 100],
      [["5"], 20],
      [null, 20],
    ];
    for (const [given, expected] of cases)
      expect(clampLimit(given as string, limit)).toBe(expected);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double(), fc.anything()), (given) => {
        const clamped = clampLimit(given as string, limit);
        expect(Number.isInteger(clamped) && clamped >= 1 && clamped <= 100).toBe(true);
      }),
    );
  });

  test("for fields gets these and the key, and one id for every spelling", () => {
    const names = (fields: string[]): string[] =>
      selectFields(list, fields).columns.map((one) => one.name);
    expect(names(["rank", "name"])).toEqual(["id", "name", "rank"]);
    expect(names(["owner"])).toEqual(["id", "owner.name", "owner.id"]);
    expect(selectFields(list, ["rank", "name", "rank"]).id).toBe(
      selectFields(list, ["name", "id", "rank"]).id,
    );
    expect(selectFields(list, []).id).toBe(selectFields(list, undefined).id);
    const parent = definePage({
      ...options,
      columns: { ...options.columns, owner: { type: "json" } },
    });
    expect(selectFields(parent, ["owner.id", "owner"]).columns.map((one) => one.name)).toEqual([
      "id",
      "owner",
    ]);
    expect(pageQuery(list, { fields: ["rank"] }).text).toMatch(/^select "id", "rank", /);
  });

  test.each([
    "nope",
    "secret",
    "owner.",
    "own",
    "",
    "owner.name.x",
    "__proto__",
    "*",
    'rank", 1 as "x',
  ])("for the field %j is refused", (field) => {
    expect(() => selectFields(list, [field])).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({
          status: 400,
          type: expect.stringContaining("unknown-field"),
        }),
      }),
    );
  });

  test("for more fields than allowed is refused", () => {
    expect(() => selectFields(list, Array(65).fill("rank"))).toThrow(/At most 64/);
  });

  test("by number is clamped below, refused beyond the depth and told of cursors", () => {
    for (const page of [0, -7, "abc", undefined, "1", Number.NaN])
      expect(offsetQuery(list, { page }).page).toBe(1);
    expect(offsetQuery(list, { page: "2501", limit: 20 }).text).toContain("limit 21 offset 50000");
    for (const page of [2502, "1e12", Number.POSITIVE_INFINITY])
      expect(() => offsetQuery(list, { page, limit: 20 })).toThrow(
        expect.objectContaining({
          message: expect.stringContaining("cursor"),
          problem: expect.objectContaining({ status: 400, pageMax: 2501 }),
        }),
      );
  });
});

describe("the index of a sort", () => {
  test("has its order, its NULLs, its expressions and its collation", () => {
    expect(sortIndex(list, "rank").text).toBe('"rank" desc, "id" desc');
    expect(sortIndex(list, "name").text).toBe(
      `(document ->> 'name') collate "C" desc nulls last, "id" desc`,
    );
    expect(sortIndex(list, "mixed", { equal: ["slug"] }).text).toBe(
      '"slug", "rank", "score" desc, "id" desc',
    );
    expect(() => sortIndex(list, "rank", { equal: ["nope"] })).toThrow(/HST_PAGE_COLUMN/);
  });
});

describe("a total", () => {
  test("is exact up to its cap and says so beyond it", () => {
    const count = countQuery(list, { filter: sql`rank > ${3}` });
    expect([count.text, count.values]).toEqual([
      'select count(*)::int4 as "total" from (select 1 from "documents" where (rank > $1) limit 10001) as counted',
      [3],
    ]);
    expect(count.finish([{ total: 10_000 }])).toEqual({ kind: "exact", count: 10_000 });
    expect(count.finish([{ total: 10_001 }])).toEqual({ kind: "capped", count: 10_000 });
    expect(() => count.finish([])).toThrow(/HST_PAGE_ROW/);
  });

  test("that is estimated is never less than what was counted", () => {
    const estimate = estimateQuery(list);
    const plan = (rows: number): unknown => [{ Plan: { "Plan Rows": rows } }];
    expect(estimate.finish([{ "QUERY PLAN": plan(50_000) }])).toEqual({
      kind: "estimated",
      count: 50_000,
    });
    expect(estimate.finish([{ "QUERY PLAN": JSON.stringify(plan(7)) }]).count).toBe(10_001);
    expect(() => estimate.finish([{ "QUERY PLAN": "[]" }])).toThrow(/HST_PAGE_ROW/);
  });
});
