import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aMetric, type CallOptions, type Fixture, startFixture } from "./fixture.ts";

let api: Fixture;
let item: string;

beforeAll(async () => {
  api = await startFixture();
  const created = await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() });
  item = `/api/v1/metrics/${created.body.id}`;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const everything = async (): Promise<string> => {
  const { rows } = await api.client.query(`
    select (select json_agg(m order by id) from metrics m)::text || (select json_agg(u order by id) from users u)::text as all`);
  return rows[0].all;
};

/** A problem of the given status, and nothing changed and nothing logged as a fault. */
async function refused(method: string, path: string, options: CallOptions, status: number) {
  const before = await everything();
  const answer = await api.call(method, path, { as: "admin", ...options });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.body).toMatchObject({
    status,
    title: expect.any(String),
    type: expect.any(String),
  });
  expect(await everything()).toBe(before);
  expect(api.errors).toEqual([]);
  return answer;
}

const fieldsOf = (answer: { body: { errors: { field: string }[] } }): string[] =>
  answer.body.errors.map(({ field }) => field);

test.each([
  ["unknown=1", "unknown"],
  ["sortField=secret", "sortField"],
  ["sortField=document", "sortField"],
  ["sortOrder=up", "sortOrder"],
  ["fields=name,password_hash", "fields"],
  ["fields=", "fields"],
  ["fields=name;drop", "fields"],
  ["tier=gold", "tier"],
  ["tags=", "tags"],
  ["tags=a,,b", "tags"],
  ["category=a&category=b", "category"],
  ["category=", "category"],
  ["q=", "q"],
  [`q=${"x".repeat(201)}`, "q"],
  ["q=a%00b", "q"],
  ["owner=%ED%A0%80x%00", "owner"],
  ["q=a&sortField=name", "sortField"],
  ["q=a&cursor=", "cursor"],
  ["cursor=&page=2", "page"],
  ["all=yes", "all"],
  ["all=true&limit=5", "limit"],
  ["__proto__=1", "__proto__"],
])("the query ?%s is refused, naming %s", async (query, field) => {
  const answer = await refused("GET", `/api/v1/metrics?${query}`, {}, 400);
  expect(fieldsOf(answer)).toContain(field);
});

test.each(["cursor=x", "cursor=v1.k1.e30.AAAA", `cursor=${"a".repeat(4_096)}`, "cursor=v1.k1.."])(
  "the foreign cursor ?%.40s is refused",
  async (query) => {
    const answer = await refused("GET", `/api/v1/metrics?${query}`, {}, 400);
    expect(answer.body.type).toMatch(/invalid-cursor$/);
  },
);

test("a cursor that was tampered with, or belongs to another sort, filter or list, is refused", async () => {
  for (let count = 0; count < 3; count++) {
    await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() });
    const body = { name: `D${count}`, description: "", owner_team: "t" };
    await api.call("POST", "/api/v1/domains", { as: "editor", body });
  }
  const { body } = await api.call("GET", "/api/v1/metrics?cursor=&limit=1&tier=tier1");
  const cursor: string = body.pagination.next;
  const at = (query: string) => `/api/v1/metrics?${query}`;
  expect((await api.call("GET", at(`cursor=${cursor}&tier=tier1`))).status).toBe(200);
  for (let index = 0; index < cursor.length; index += 7) {
    const other = cursor[index] === "A" ? "B" : "A";
    const tampered = cursor.slice(0, index) + other + cursor.slice(index + 1);
    await refused("GET", at(`cursor=${tampered}&tier=tier1`), {}, 400);
  }
  await refused("GET", at(`cursor=${cursor}`), {}, 400);
  await refused("GET", at(`cursor=${cursor}&tier=tier2`), {}, 400);
  await refused("GET", at(`cursor=${cursor}&tier=tier1&sortField=name`), {}, 400);
  await refused("GET", `/api/v1/domains?cursor=${cursor}`, {}, 400);
});

test("page and limit out of range are clamped, and what is no number counts as absent", async () => {
  const pagination = async (query: string) =>
    (await api.call("GET", `/api/v1/metrics?${query}`)).body.pagination;
  expect(await pagination("limit=0")).toMatchObject({ page: 1, limit: 1 });
  expect(await pagination("limit=-5&page=-1")).toMatchObject({ page: 1, limit: 1 });
  expect(await pagination("limit=1000000000")).toMatchObject({ page: 1, limit: 100 });
  expect(await pagination("limit=abc&page=x")).toMatchObject({ page: 1, limit: 50 });
  expect(await pagination("page=1e9")).toMatchObject({ page: 1, limit: 50 });
  expect(await pagination("page=99999999999999999999&limit=1")).toMatchObject({ hasNext: false });
  expect(await pagination("cursor=&limit=0")).toMatchObject({ limit: 1 });
  expect(await pagination("cursor=&limit=101")).toMatchObject({ limit: 100 });
  expect(await pagination("cursor=")).toMatchObject({ limit: 20 });
});

test.each([
  ["", "malformed-json"],
  ["{", "malformed-json"],
  ['{"name":}', "malformed-json"],
  ["null", "invalid-body"],
  ["[]", "invalid-body"],
  ['"text"', "invalid-body"],
  ["7", "invalid-body"],
])("the body %j is refused as %s", async (raw, type) => {
  for (const [method, path] of [
    ["POST", "/api/v1/metrics"],
    ["PUT", item],
    ["PATCH", item],
  ] as const) {
    const answer = await refused(method, path, { raw }, 400);
    expect(answer.body.type).toMatch(new RegExp(`${type}$`));
    expect(answer.text).not.toContain("Unexpected token");
  }
});

test("a body of wrong types is refused with each member at fault", async () => {
  const body = {
    name: 7,
    description: null,
    category: "",
    tier: "gold",
    owner: ["x"],
    business_domain: "x".repeat(101),
    tags: ["a", "a"],
    target: "many",
    attributes: [],
    id: crypto.randomUUID(),
    surprise: true,
  };
  const answer = await refused("POST", "/api/v1/metrics", { body }, 400);
  expect(fieldsOf(answer)).toEqual(
    expect.arrayContaining(Object.keys(body).map((name) => `/${name}`)),
  );
});

test.each([
  ['{"__proto__":{"role":"admin"}}', "/__proto__"],
  ['{"attributes":{"constructor":{"x":"\\u0000"}}}', "/attributes/constructor/x"],
  ['{"attributes":{"deep":"\\ud800"}}', "/attributes/deep"],
  ['{"target":1e999}', "/target"],
])("the patch %s is refused, naming %s", async (raw, field) => {
  const answer = await refused("PATCH", item, { raw }, 400);
  expect(fieldsOf(answer)).toContain(field);
});

test("nesting without end is refused", async () => {
  const raw = `{"attributes":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
  await refused("PATCH", item, { raw }, 400);
});

test("a body over 1 MiB is refused with 413, with and without a declared length", async () => {
  const body = aMetric({ description: "x".repeat(1_048_576) });
  const answer = await refused("POST", "/api/v1/metrics", { body }, 413);
  expect(answer.body.type).toMatch(/body-too-large$/);
  const chunked = await new Promise<number>((resolve, reject) => {
    const sent = request(
      `${api.url}/api/v1/metrics`,
      {
        method: "POST",
        headers: {
          authorization: `Bearer ${api.tokens.editor}`,
          "content-type": "application/json",
          "transfer-encoding": "chunked",
        },
      },
      (response) => {
        resolve(response.statusCode!);
        response.resume();
      },
    );
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
  expect(chunked).toBe(413);
});

test("another content type or content coding is refused with 415", async () => {
  const raw = JSON.stringify(aMetric());
  for (const type of ["text/plain", "application/xml", "application/x-www-form-urlencoded"]) {
    const answer = await refused(
      "POST",
      "/api/v1/metrics",
      { raw, headers: { "content-type": type } },
      415,
    );
    expect(answer.body.detail).toContain("application/json");
  }
  const coded = { "content-type": "application/json", "content-encoding": "gzip" };
  await refused("POST", "/api/v1/metrics", { raw: gzipSync(raw), headers: coded }, 415);
  const charset = { "content-type": "application/json; charset=latin1" };
  await refused("POST", "/api/v1/metrics", { raw, headers: charset }, 415);
  const utf8 = { "content-type": "Application/JSON; charset=utf-8" };
  const accepted = await api.call("POST", "/api/v1/metrics", { as: "editor", raw, headers: utf8 });
  expect(accepted.status).toBe(201);
});

test.each(["not-a-uuid", "00000000-0000-4000-8000-000000000000", "%27%3B--", "%00"])(
  "the unknown id %s is not found",
  async (id) => {
    for (const resource of ["metrics", "domains", "objectives", "users"]) {
      await refused("GET", `/api/v1/${resource}/${id}`, {}, 404);
      await refused("DELETE", `/api/v1/${resource}/${id}`, {}, 404);
      await refused("PATCH", `/api/v1/${resource}/${id}`, { body: { name: "x" } }, 404);
    }
  },
);

test("unknown paths, methods and malformed paths are problems too", async () => {
  await refused("GET", "/api/v1/nothing", {}, 404);
  await refused("GET", "/api/v1/metrics/%zz", {}, 400);
  await refused("PATCH", "/api/v1/metrics", { body: {} }, 405);
});

test("a malformed If-Match is refused", async () => {
  const headers = { "if-match": "v1" };
  await refused("PATCH", item, { body: { owner: "x" }, headers }, 400);
});
