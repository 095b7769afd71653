import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { aMetric, cacheOf, type Fixture, startFixture, wasDropped } from "./fixture.ts";

let api: Fixture;
let first: string;
let second: string;
let domainId: string;

beforeAll(async () => {
  api = await startFixture();
  const domain = { name: "Sales", description: "", owner_team: "red" };
  domainId = (await api.call("POST", "/api/v1/domains", { as: "editor", body: domain })).body.id;
  first = await added("First");
  second = await added("Second");
});
beforeEach(() => api.cache.clear().then(() => undefined));
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function added(name: string): Promise<string> {
  const body = aMetric({ name });
  const created = await api.call("POST", "/api/v1/metrics", { as: "editor", body });
  return `/api/v1/metrics/${created.body.id}`;
}

/** Reads everything twice, so that it is cached, then says what each answer came from. */
const READS = () =>
  [
    "/api/v1/metrics",
    "/api/v1/metrics?cursor=",
    "/api/v1/metrics?q=first",
    "/api/v1/metrics/stats",
    "/api/v1/public/metrics",
    first,
    `${first}?fields=name`,
    second,
    "/api/v1/domains",
    `/api/v1/domains/${domainId}`,
    "/api/v1/objectives",
    "/api/v1/users",
    "/api/v1/me",
  ] as const;

async function warm(): Promise<void> {
  for (const path of READS()) {
    await api.call("GET", path, { as: "admin" });
    expect([path, cacheOf(await api.call("GET", path, { as: "admin" }))]).toEqual([path, "HIT"]);
  }
}

async function missed(): Promise<string[]> {
  const found: string[] = [];
  for (const path of READS()) {
    if (wasDropped(await api.call("GET", path, { as: "admin" }))) found.push(path);
  }
  return found;
}

const METRIC_LISTS = [
  "/api/v1/metrics",
  "/api/v1/metrics?cursor=",
  "/api/v1/metrics?q=first",
  "/api/v1/metrics/stats",
  "/api/v1/public/metrics",
];

test("a write to one metric drops that metric, its lists and statistics, and nothing else", async () => {
  await warm();
  await api.call("PATCH", first, { as: "editor", body: { owner: "someone else" } });
  expect(await missed()).toEqual([...METRIC_LISTS, first, `${first}?fields=name`]);
});

test("a new metric drops lists and statistics, and no single metric", async () => {
  await warm();
  await added("Third");
  expect(await missed()).toEqual(METRIC_LISTS);
});

test("a deleted metric is gone from everywhere at once", async () => {
  const third = await added("Doomed");
  const { id } = (await api.call("GET", third)).body;
  await warm();
  await api.call("DELETE", third, { as: "editor" });
  expect((await api.call("GET", third)).status).toBe(404);
  expect((await api.call("GET", "/api/v1/public/metrics", { as: "nobody" })).text).not.toContain(
    id,
  );
  expect(await missed()).toEqual(METRIC_LISTS.filter((path) => !path.includes("public")));
});

test("a refused write drops nothing", async () => {
  await warm();
  const refusals = [
    api.call("PATCH", first, { as: "editor", body: { tier: "gold" } }),
    api.call("PATCH", first, { as: "viewer", body: { owner: "x" } }),
    api.call("PATCH", first, { as: "editor", body: {}, headers: { "if-match": '"v999"' } }),
    api.call("DELETE", `/api/v1/metrics/${crypto.randomUUID()}`, { as: "editor" }),
    api.call("POST", "/api/v1/metrics", { as: "editor", raw: "{" }),
  ];
  for (const refusal of refusals) expect((await refusal).status).toBeGreaterThanOrEqual(400);
  expect(await missed()).toEqual([]);
});

test("a write to a user drops that user, also from what the user sees of itself, and no one else", async () => {
  const viewer = `/api/v1/users/${api.userIds.viewer}`;
  const editor = `/api/v1/users/${api.userIds.editor}`;
  for (const path of [viewer, editor]) await api.call("GET", path, { as: "admin" });
  for (const as of ["viewer", "editor"] as const) await api.call("GET", "/api/v1/me", { as });
  await api.call("PATCH", viewer, { as: "admin", body: { team: "blue" } });
  expect((await api.call("GET", "/api/v1/me")).body.team).toBe("blue");
  expect(cacheOf(await api.call("GET", viewer, { as: "admin" }))).toBe("MISS");
  expect(cacheOf(await api.call("GET", editor, { as: "admin" }))).toBe("HIT");
  expect(cacheOf(await api.call("GET", "/api/v1/me", { as: "editor" }))).toBe("HIT");
});

test("each user sees itself, however often others ask in between", async () => {
  for (let round = 0; round < 3; round++) {
    for (const as of ["viewer", "editor", "admin"] as const) {
      const me = await api.call("GET", "/api/v1/me", { as });
      expect([me.body.email, cacheOf(me)]).toEqual([
        `${as}@example.com`,
        round === 0 ? "MISS" : "HIT",
      ]);
    }
  }
});

test("lists are shared within a role and not across roles", async () => {
  const other = await api.token(crypto.randomUUID(), "viewer");
  expect(cacheOf(await api.call("GET", "/api/v1/metrics"))).toBe("MISS");
  expect(cacheOf(await api.call("GET", "/api/v1/metrics", { token: other }))).toBe("HIT");
  expect(cacheOf(await api.call("GET", "/api/v1/metrics", { as: "editor" }))).toBe("MISS");
});

test("a cached list of an administrator's is given to nobody else", async () => {
  await api.call("GET", "/api/v1/users", { as: "admin" });
  expect(cacheOf(await api.call("GET", "/api/v1/users", { as: "admin" }))).toBe("HIT");
  for (const as of ["viewer", "editor", "nobody"] as const) {
    const answer = await api.call("GET", "/api/v1/users", { as });
    expect(answer.status).toBe(as === "nobody" ? 401 : 403);
    expect(answer.text).not.toContain("@example.com");
  }
});

test("every spelling of one request shares an entry, and no two requests do", async () => {
  const at = (query: string) => api.call("GET", `/api/v1/metrics?${query}`);
  await at("fields=name,owner&tags=b,a&limit=5");
  expect(cacheOf(await at("limit=5&tags=a,b&fields=owner,name,name"))).toBe("HIT");
  expect(cacheOf(await at("limit=5&tags=a&fields=owner,name"))).toBe("MISS");
  expect(cacheOf(await at("limit=6&tags=a,b&fields=owner,name"))).toBe("MISS");
});

test("links of a shared entry lead to pages of the same request", async () => {
  const answer = await api.call("GET", "/api/v1/metrics?limit=1&fields=name");
  expect(answer.headers.get("link")).toContain("</api/v1/metrics?fields=name&page=2&limit=1>");
});

test("a public list needs no token, is cached in front and holds what any token may see", async () => {
  const before = api.responseCache.stats().frontHits;
  const open = await api.call("GET", "/api/v1/public/metrics", { as: "nobody" });
  expect(open.status).toBe(200);
  const again = await api.call("GET", "/api/v1/public/metrics", { as: "nobody" });
  expect(cacheOf(again)).toBe("HIT");
  expect(api.responseCache.stats().frontHits).toBe(before + 1);
  expect(again.body).toEqual((await api.call("GET", "/api/v1/metrics")).body);
});

test("concurrent writers and readers end with the last write everywhere", async () => {
  const item = await added("Contended");
  const writes = Array.from({ length: 20 }, (_, count) =>
    api.call("PATCH", item, { as: "editor", body: { owner: `owner ${count}` } }),
  );
  const reads = Array.from({ length: 60 }, () => api.call("GET", item));
  await Promise.all([...writes, ...reads]);
  const { rows } = await api.client.query("select owner from metrics where name = 'Contended'");
  expect((await api.call("GET", item)).body).toMatchObject({ owner: rows[0].owner, version: 21 });
  const list = await api.call("GET", "/api/v1/metrics?limit=1");
  expect(list.body.data[0].owner).toBe(rows[0].owner);
});

test("whoever reads after a write was acknowledged sees it, whatever was being read meanwhile", async () => {
  const item = await added("Raced");
  const paths = [item, "/api/v1/metrics?limit=1", "/api/v1/public/metrics?limit=1"];
  for (let round = 0; round < 60; round++) {
    const before = paths.flatMap((path) => [api.call("GET", path), api.call("GET", path)]);
    const owner = `round ${round}`;
    const write = api.call("PATCH", item, { as: "editor", body: { owner } });
    const during = paths.map((path) => api.call("GET", path));
    expect((await write).status).toBe(200);
    const after = await Promise.all(paths.map((path) => api.call("GET", path)));
    for (const { body } of after) expect((body.data?.[0] ?? body).owner).toBe(owner);
    await Promise.all([...before, ...during]);
    const settled = await Promise.all(paths.map((path) => api.call("GET", path)));
    for (const { body } of settled) expect((body.data?.[0] ?? body).owner).toBe(owner);
  }
});

test("a public list refuses what it does not know, in front of Express too", async () => {
  for (let count = 0; count < 2; count++) {
    const answer = await api.call("GET", "/api/v1/public/metrics?unknown=1", { as: "nobody" });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, "unknown"]);
  }
});

test("an entry is compressed for those who accept it, each coding under its own tag", async () => {
  for (let count = 0; count < 8; count++) await added(`More ${count}`);
  const tags = new Set<string | null>();
  for (const coding of ["gzip", "br", "zstd", "identity"]) {
    const headers = { "accept-encoding": coding };
    await api.call("GET", "/api/v1/metrics", { headers });
    const hit = await api.call("GET", "/api/v1/metrics", { headers });
    expect(cacheOf(hit)).toBe("HIT");
    expect(hit.headers.get("content-encoding") ?? "identity").toBe(coding);
    tags.add(hit.headers.get("etag"));
  }
  expect(tags.size).toBe(4);
});

test("a single document's tag in any coding is good for If-Match", async () => {
  const item = await added("Tagged");
  const long = { description: "long ".repeat(500) };
  await api.call("PATCH", item, { as: "editor", body: long });
  await api.call("GET", item, { headers: { "accept-encoding": "gzip" } });
  const hit = await api.call("GET", item, { headers: { "accept-encoding": "gzip" } });
  expect(hit.headers.get("etag")).toBe('"v2-gzip"');
  const headers = { "if-match": hit.headers.get("etag")! };
  const patched = await api.call("PATCH", item, { as: "editor", body: { owner: "x" }, headers });
  expect(patched.status).toBe(200);
});
