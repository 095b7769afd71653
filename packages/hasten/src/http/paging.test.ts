import fc from "fast-check";
import { expect, test } from "vitest";
import { cursorBody, cursorHeaders } from "./cursor-paging.ts";
import { clampPage, offsetBody, offsetHeaders, parsePaging, type Total } from "./paging.ts";

const exact = (count: number): Total => ({ kind: "exact", count });
const location = { path: "/api/v1/metrics", rawQuery: "q=a%2Fb&page=2&limit=10&tag=x&tag=y" };

test.each([
  [{}, 1, 20],
  [{ page: "3", limit: "50" }, 3, 50],
  [{ page: "0", limit: "0" }, 1, 1],
  [{ page: "-1", limit: "-1" }, 1, 1],
  [{ page: "1e9", limit: "1e9" }, 1_000_000_000, 100],
  [{ page: "1e999", limit: "1e999" }, 1_000_000_000, 100],
  [{ page: "9".repeat(40), limit: "9".repeat(40) }, 1_000_000_000, 100],
  [{ page: "abc", limit: "abc" }, 1, 20],
  [{ page: "", limit: " " }, 1, 20],
  [{ page: "2.9", limit: "10.5" }, 2, 10],
  [{ page: "0x10", limit: "Infinity" }, 1, 20],
  [{ page: ["2", "9"], limit: ["30"] }, 2, 30],
  [{ page: { a: "1" }, limit: null }, 1, 20],
  [{ page: 5, limit: undefined }, 1, 20],
])("%j is page %d of %d rows", (query, page, limit) => {
  expect(parsePaging(query)).toEqual({ page, limit, offset: (page - 1) * limit });
});

test("URLSearchParams are read too, and a route has its own limits", () => {
  expect(parsePaging(new URLSearchParams("page=2"), { limitDefault: 50, limitMax: 200 })).toEqual({
    page: 2,
    limit: 50,
    offset: 50,
  });
  expect(parsePaging({}, { limitMax: 5 }).limit).toBe(5);
  expect(() => parsePaging({}, { limitDefault: 50, limitMax: 20 })).toThrow(/limitDefault/);
  expect(() => parsePaging({}, { limitMax: 0 })).toThrow(/limitMax/);
});

test("a page beyond the last is clamped once the exact total is known", () => {
  const paging = parsePaging({ page: "99", limit: "10" });
  expect(clampPage(paging, exact(25))).toEqual({ page: 3, limit: 10, offset: 20 });
  expect(clampPage(paging, exact(0)).page).toBe(1);
  expect(clampPage(paging, { kind: "estimated", count: 25 })).toBe(paging);
});

test("an offset page carries totals, links that keep other parameters, and the body's pagination", () => {
  const paging = parsePaging({ page: "2", limit: "10" });
  const page = { rows: ["a"], paging, total: exact(25) };
  const to = (number: number): string =>
    `</api/v1/metrics?q=a%2Fb&tag=x&tag=y&page=${number}&limit=10>`;
  expect(offsetHeaders(page, location)).toEqual({
    Link: `${to(1)}; rel="first", ${to(1)}; rel="prev", ${to(3)}; rel="next", ${to(3)}; rel="last"`,
    "X-Page": "2",
    "X-Per-Page": "10",
    "X-Total-Count": "25",
    "X-Total-Pages": "3",
  });
  expect(offsetBody(page)).toEqual({
    data: ["a"],
    pagination: { page: 2, limit: 10, total: 25, pages: 3, hasNext: true, hasPrev: true },
  });
});

test("the last page, an exact multiple and an empty list have no phantom next", () => {
  const at = (page: string, count: number) => {
    const paging = parsePaging({ page, limit: "10" });
    return offsetBody({ rows: [], paging, total: exact(count) }).pagination;
  };
  expect(at("2", 20)).toMatchObject({ hasNext: false, hasPrev: true, pages: 2 });
  expect(at("1", 0)).toMatchObject({ hasNext: false, hasPrev: false, pages: 0, total: 0 });
  expect(at("1", 11)).toMatchObject({ hasNext: true });
  const empty = { rows: [], paging: parsePaging({}), total: exact(0) };
  expect(offsetHeaders(empty, location)["Link"]).toMatch(/page=1&limit=20>; rel="last"$/);
});

test("a total that is not exact is labelled and links no last page", () => {
  const paging = parsePaging({ page: "2", limit: "10" });
  const page = {
    rows: [],
    paging,
    total: { kind: "capped", count: 10_000 },
    hasNext: true,
  } as const;
  const headers = offsetHeaders(page, location);
  expect(headers).toMatchObject({ "X-Total-Count": "10000", "X-Total-Count-Type": "capped" });
  expect(headers["Link"]).not.toContain('rel="last"');
  expect(headers["Link"]).toContain('rel="next"');
  expect(offsetBody(page).pagination).toMatchObject({ totalType: "capped", hasNext: true });
  const unknown = { rows: [], paging, total: { kind: "unknown" } } as const;
  expect(offsetBody(unknown).pagination.hasNext).toBe(false);
  expect(offsetHeaders(unknown, location)["X-Total-Count"]).toBeUndefined();
  expect(offsetBody(unknown).pagination).toMatchObject({ total: null, pages: null });
});

test("a cursor page links by cursor, drops page, and shows totals only where counted", () => {
  const page = {
    rows: [1],
    limit: 10,
    next: "v1.a.b",
    prev: "v1.c.d",
    hasNext: true,
    hasPrev: false,
  };
  const { Link } = cursorHeaders(page, location);
  expect(Link).toBe(
    '</api/v1/metrics?q=a%2Fb&tag=x&tag=y&limit=10>; rel="first", ' +
      '</api/v1/metrics?q=a%2Fb&tag=x&tag=y&cursor=v1.a.b&limit=10>; rel="next"',
  );
  expect(cursorBody(page)).toEqual({
    data: [1],
    pagination: { limit: 10, next: "v1.a.b", prev: null, hasNext: true, hasPrev: false },
  });
  const counted = { ...page, total: { kind: "estimated", count: 7 } } as const;
  expect(cursorHeaders(counted, location)).toMatchObject({
    "X-Total-Count": "7",
    "X-Total-Count-Type": "estimated",
  });
  expect(cursorBody(counted).pagination).toMatchObject({ total: 7, totalType: "estimated" });
});

test("whatever comes in, page, limit and offset are safe whole numbers within bounds", () => {
  const text = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.double().map(String),
    fc.constantFrom("1e308", "-0", "+5", "00", "1e-9", "9007199254740993"),
  );
  const value = fc.oneof(text, fc.array(text), fc.constant(undefined), fc.object());
  fc.assert(
    fc.property(value, value, (page, limit) => {
      const paging = parsePaging({ page, limit });
      expect(paging.page >= 1 && paging.page <= 1_000_000_000).toBe(true);
      expect(paging.limit >= 1 && paging.limit <= 100).toBe(true);
      expect(Number.isSafeInteger(paging.offset)).toBe(true);
      expect(Object.is(paging.offset, -0)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test("walking the next links of any list visits every page once and ends", () => {
  fc.assert(
    fc.property(fc.nat(500), fc.integer({ min: 1, max: 100 }), (count, limit) => {
      let visited = 0;
      let query = `limit=${limit}`;
      for (let guard = 0; guard <= 500; guard++) {
        const paging = parsePaging(new URLSearchParams(query));
        visited += Math.min(paging.limit, count - paging.offset);
        const page = { rows: [], paging, total: exact(count) };
        const next = /<[^?]*\?([^>]*)>; rel="next"/.exec(
          offsetHeaders(page, { path: "/m", rawQuery: query })["Link"] ?? "",
        );
        if (next === null) break;
        query = next[1]!;
      }
      expect(visited).toBe(count);
    }),
    { numRuns: 100 },
  );
});
