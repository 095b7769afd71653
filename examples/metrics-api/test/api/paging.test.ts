import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, cacheOf, type Fixture, startFixture } from "./fixture.ts";

const ROWS = 1_234;
let api: Fixture;

beforeAll(async () => {
  api = await startFixture();
  // Many rows share a microsecond and a name, so that only the id tells them apart.
  await api.client.query(
    `insert into metrics (document, updated_at, created_at)
    select jsonb_build_object('name', 'Name ' || n % 97, 'description', 'Number ' || n,
        'category', 'c' || n % 5, 'tier', 'tier' || 1 + n % 3, 'owner', 'o' || n % 11,
        'business_domain', 'b', 'tags', jsonb_build_array('t' || n % 7)),
      timestamptz '2026-01-01' + (n / 30) * interval '1 microsecond',
      timestamptz '2026-01-01' + (n % 13) * interval '1 microsecond'
    from generate_series(1, ${ROWS}) n`,
  );
  await api.client.query("analyze metrics");
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const linkOf = (answer: Answer, rel: string): string | undefined =>
  answer.headers
    .get("link")
    ?.split(", ")
    .find((link) => link.endsWith(`rel="${rel}"`))
    ?.match(/^<([^>]+)>/)?.[1];

/** Follows one relation from a page until it ends; the ids of each page. */
async function walk(start: string, rel: string): Promise<{ pages: string[][]; last: string }> {
  const pages: string[][] = [];
  let path = start;
  for (let next: string | undefined = start; next !== undefined; ) {
    path = next;
    const answer = await api.call("GET", path);
    expect(answer.status).toBe(200);
    pages.push(answer.body.data.map((row: { id: string }) => row.id));
    next = linkOf(answer, rel);
    expect(answer.body.pagination[rel === "next" ? "hasNext" : "hasPrev"]).toBe(next !== undefined);
    expect(pages.length).toBeLessThan(ROWS);
  }
  return { pages, last: path };
}

async function idsInOrder(where: string, order: string): Promise<string[]> {
  const { rows } = await api.client.query(
    `select id from metrics where ${where} order by ${order}`,
  );
  return rows.map((row) => row.id);
}

const LISTS = [
  { query: "", where: "true", order: "updated_at desc, id desc" },
  { query: "sortOrder=asc", where: "true", order: "updated_at, id" },
  { query: "sortField=name", where: "true", order: 'name collate "C", id' },
  {
    query: "sortField=name&sortOrder=desc",
    where: "true",
    order: 'name collate "C" desc, id desc',
  },
  { query: "sortField=created_at", where: "true", order: "created_at desc, id desc" },
  { query: "category=c3", where: "category = 'c3'", order: "updated_at desc, id desc" },
  {
    query: "tags=t1,t2&tier=tier2&sortField=name",
    where: "tags && '{t1,t2}' and tier = 'tier2'",
    order: 'name collate "C", id',
  },
];

describe.each(LISTS)("a list with ?$query", ({ query, where, order }) => {
  test.each([17, 100])(
    "is walked whole by cursor, %i rows a page, forward and back",
    async (limit) => {
      const expected = await idsInOrder(where, order);
      const start = `/api/v1/metrics?${query}&cursor=&limit=${limit}`;
      const forward = await walk(start, "next");
      expect(forward.pages.flat()).toEqual(expected);
      const back = await walk(forward.last, "prev");
      const reversed = back.pages.reverse();
      expect(reversed.flat()).toEqual(expected);
      expect(reversed.every((page) => page.length > 0)).toBe(true);
    },
  );

  test("is walked whole by page number, forward and back, and says how many there are", async () => {
    const expected = await idsInOrder(where, order);
    const start = `/api/v1/metrics?${query}&limit=60`;
    const first = await api.call("GET", start);
    expect(first.headers.get("x-total-count")).toBe(String(expected.length));
    expect(first.headers.get("x-total-pages")).toBe(String(Math.ceil(expected.length / 60)));
    const forward = await walk(start, "next");
    expect(forward.pages.flat()).toEqual(expected);
    expect((await walk(forward.last, "prev")).pages.reverse().flat()).toEqual(expected);
    const last = await api.call("GET", linkOf(first, "last")!);
    expect(last.body.data.map((row: { id: string }) => row.id)).toEqual(forward.pages.at(-1));
  });
});

test("the headers, links and body of a page by number say the same", async () => {
  const answer = await api.call("GET", "/api/v1/metrics?page=3&limit=100&category=c1");
  const { pagination } = answer.body;
  expect(pagination).toEqual({
    page: 3,
    limit: 100,
    total: 247,
    pages: 3,
    hasNext: false,
    hasPrev: true,
  });
  expect(answer.headers.get("x-page")).toBe("3");
  expect(answer.headers.get("x-per-page")).toBe("100");
  expect(linkOf(answer, "next")).toBeUndefined();
  expect(linkOf(answer, "prev")).toBe("/api/v1/metrics?category=c1&page=2&limit=100");
  expect(linkOf(answer, "first")).toBe("/api/v1/metrics?category=c1&page=1&limit=100");
});

test("a page beyond the last is the last", async () => {
  const { body } = await api.call("GET", "/api/v1/metrics?page=500&limit=100");
  expect(body.pagination).toMatchObject({ page: 13, pages: 13, hasNext: false });
  expect(body.data).toHaveLength(ROWS % 100);
});

test("rows written during a walk neither repeat nor skip a row that stays", async () => {
  const expected = await idsInOrder("category = 'c2'", "updated_at desc, id desc");
  const seen: string[] = [];
  let path: string | undefined = "/api/v1/metrics?category=c2&cursor=&limit=20";
  const extra: string[] = [];
  while (path !== undefined) {
    const answer: Answer = await api.call("GET", path);
    seen.push(...answer.body.data.map((row: { id: string }) => row.id));
    const body = {
      name: "Between",
      description: "",
      category: "c2",
      tier: "tier1",
      owner: "o",
      business_domain: "b",
    };
    const created = await api.call("POST", "/api/v1/metrics", { as: "editor", body });
    extra.push(created.body.id);
    path = linkOf(answer, "next");
  }
  expect(seen).toEqual(expected);
  for (const id of extra) await api.call("DELETE", `/api/v1/metrics/${id}`, { as: "editor" });
});

test("a read without pages is capped at 1,000 rows and says how many there are", async () => {
  const all = await api.call("GET", "/api/v1/metrics?all=true&fields=id");
  expect(all.body.data).toHaveLength(1_000);
  expect(all.body.pagination).toMatchObject({ total: ROWS, hasNext: true });
  expect(all.headers.get("x-total-count")).toBe(String(ROWS));
  const few = await api.call("GET", "/api/v1/metrics?all=true&category=c1");
  expect(few.body.data).toHaveLength(247);
  expect(few.body.pagination.hasNext).toBe(false);
});

test("a search returns the best 50 at most, in pages that do not overlap", async () => {
  const found = await api.call("GET", "/api/v1/metrics?q=number&fields=id");
  expect(found.body.data).toHaveLength(50);
  const pages = await walk("/api/v1/metrics?q=number&limit=20", "next");
  expect(pages.pages.map((page) => page.length)).toEqual([20, 20, 10]);
  expect(pages.pages.flat()).toEqual(found.body.data.map((row: { id: string }) => row.id));
});

test("pages of a walk are cached like any other", async () => {
  const first = await api.call("GET", "/api/v1/metrics?cursor=&limit=9");
  const next = linkOf(first, "next")!;
  await api.call("GET", next);
  expect(cacheOf(await api.call("GET", next))).toBe("HIT");
});
