import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROLES } from "../../src/api/auth/tokens.ts";
import { aMetric, cacheOf, type Fixture, startFixture } from "./fixture.ts";

let api: Fixture;
let domainId: string;

beforeAll(async () => {
  api = await startFixture();
  const domain = { name: "Sales", description: "Selling", owner_team: "red" };
  domainId = (await api.call("POST", "/api/v1/domains", { as: "editor", body: domain })).body.id;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

/** For each resource what is created, one changed member, and who may write. */
const RESOURCES = [
  { name: "metrics", as: "editor", body: () => aMetric(), change: { owner: "ben" } },
  {
    name: "domains",
    as: "editor",
    body: () => ({ name: `Domain ${crypto.randomUUID()}`, description: "", owner_team: "blue" }),
    change: { owner_team: "green" },
  },
  {
    name: "objectives",
    as: "editor",
    body: () => ({
      name: "Grow",
      description: "More",
      domain_id: domainId,
      timeframe: "2026-Q1",
      metric_ids: [],
    }),
    change: { status: "done" },
  },
  {
    name: "users",
    as: "admin",
    body: () => ({ email: `${crypto.randomUUID()}@example.com`, name: "Someone", role: "viewer" }),
    change: { active: false },
  },
] as const;

describe.each(RESOURCES)("$name", ({ name, as, body, change }) => {
  const collection = `/api/v1/${name}`;

  test("is created, read, replaced, patched and deleted; each read sees the write before it", async () => {
    const input = body();
    const created = await api.call("POST", collection, { as, body: input });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ ...input, version: 1 });
    expect(created.headers.get("etag")).toBe('"v1"');
    const item = created.headers.get("location")!;
    expect(item).toBe(`${collection}/${created.body.id}`);

    const read = await api.call("GET", item, { as });
    expect(read.body).toEqual(created.body);
    expect(read.headers.get("etag")).toBe('"v1"');

    const replaced = await api.call("PUT", item, { as, body: { ...input, description: "New" } });
    if (name === "users") expect(replaced.status).toBe(400);
    else expect(replaced.body).toMatchObject({ description: "New", version: 2 });

    const patched = await api.call("PATCH", item, { as, body: change });
    expect(patched.status).toBe(200);
    expect(patched.body).toMatchObject({ ...change, id: created.body.id });
    const again = await api.call("GET", item, { as });
    expect(again.body).toEqual(patched.body);
    expect(Date.parse(again.body.updated_at)).toBeGreaterThanOrEqual(
      Date.parse(created.body.updated_at),
    );

    const listed = await api.call("GET", `${collection}?limit=1`, { as });
    expect(listed.body.data[0]).toEqual(again.body);

    const deleted = await api.call("DELETE", item, { as });
    expect([deleted.status, deleted.text]).toEqual([204, ""]);
    expect((await api.call("GET", item, { as })).status).toBe(404);
    expect((await api.call("DELETE", item, { as })).status).toBe(404);
  });

  test("a write to a version that is no longer stored is refused and changes nothing", async () => {
    const created = await api.call("POST", collection, { as, body: body() });
    const item = `${collection}/${created.body.id}`;
    const patch = (ifMatch: string) =>
      api.call("PATCH", item, { as, body: change, headers: { "if-match": ifMatch } });
    expect((await patch('"v1"')).status).toBe(200);
    const refused = await patch('"v1"');
    expect(refused.status).toBe(412);
    expect(refused.body.type).toMatch(/precondition-failed$/);
    for (const method of ["PUT", "DELETE"]) {
      const headers = { "if-match": '"v1-gzip"' };
      const answer = await api.call(method, item, {
        as,
        headers,
        ...(method === "PUT" && { body: body() }),
      });
      expect(answer.status).toBe(412);
    }
    expect((await api.call("GET", item, { as })).body.version).toBe(2);
    expect((await patch("*")).status).toBe(200);
    expect((await patch('"v9", "v3"')).status).toBe(200);
  });

  test("only the chosen fields are returned, and the id", async () => {
    const created = await api.call("POST", collection, { as, body: body() });
    const item = `${collection}/${created.body.id}?fields=name,version`;
    const { id, version } = created.body;
    expect((await api.call("GET", item, { as })).body).toEqual({
      id,
      name: created.body.name,
      version,
    });
    const list = await api.call("GET", `${collection}?fields=version&limit=3`, { as });
    for (const row of list.body.data) expect(Object.keys(row).sort()).toEqual(["id", "version"]);
    const walk = await api.call("GET", `${collection}?fields=version&cursor=&limit=3`, { as });
    expect(walk.body.data).toEqual(list.body.data);
  });

  test("each role may do what it should and nothing more", async () => {
    const { body: created } = await api.call("POST", collection, { as, body: body() });
    const item = `${collection}/${created.id}`;
    const writers = name === "users" ? ["admin"] : ["editor", "admin"];
    const readers = name === "users" ? ["admin"] : ROLES;
    for (const role of ["nobody", ...ROLES] as const) {
      const denied = role === "nobody" ? 401 : 403;
      const read = readers.includes(role as never) ? 200 : denied;
      const write = writers.includes(role) ? 200 : denied;
      expect((await api.call("GET", collection, { as: role })).status).toBe(read);
      expect((await api.call("GET", item, { as: role })).status).toBe(read);
      expect((await api.call("PATCH", item, { as: role, body: change })).status).toBe(write);
      const replaced = await api.call("PUT", item, { as: role, body: body() });
      expect(replaced.status).toBe(write);
      const posted = await api.call("POST", collection, { as: role, body: body() });
      expect(posted.status).toBe(write === 200 ? 201 : write);
      if (posted.status === 201) {
        const other = `${collection}/${posted.body.id}`;
        expect((await api.call("DELETE", other, { as: role })).status).toBe(204);
      } else {
        expect((await api.call("DELETE", item, { as: role })).status).toBe(write);
      }
    }
    expect((await api.call("GET", item, { as })).status).toBe(200);
  });
});

test("merge patch merges objects, removes by null and restores the default", async () => {
  const body = aMetric({ unit: "EUR", attributes: { a: { b: 1, c: 2 }, d: 3 } });
  const { body: created } = await api.call("POST", "/api/v1/metrics", { as: "editor", body });
  const patch = { unit: null, attributes: { a: { b: null }, e: 4 }, tags: ["x", "y"] };
  const item = `/api/v1/metrics/${created.id}`;
  const patched = await api.call("PATCH", item, { as: "editor", body: patch });
  expect(patched.body).toMatchObject({ unit: null, tags: ["x", "y"] });
  expect(patched.body.attributes).toEqual({ a: { c: 2 }, d: 3, e: 4 });
  const invalid = await api.call("PATCH", item, { as: "editor", body: { name: null } });
  expect(invalid.status).toBe(400);
  expect(invalid.body.errors[0].field).toBe("/name");
});

test("names of domains and addresses of users are unique, and a domain in use stays", async () => {
  const domain = { name: "Sales", description: "", owner_team: "x" };
  const twice = await api.call("POST", "/api/v1/domains", { as: "editor", body: domain });
  expect([twice.status, twice.body.errors[0].field]).toEqual([409, "/name"]);
  const user = { email: "Viewer@Example.com", name: "Again", role: "viewer" };
  const taken = await api.call("POST", "/api/v1/users", { as: "admin", body: user });
  expect([taken.status, taken.body.errors[0].field]).toEqual([409, "/email"]);
  const used = await api.call("DELETE", `/api/v1/domains/${domainId}`, { as: "editor" });
  expect([used.status, used.body.detail]).toEqual([409, expect.stringContaining("Objectives")]);
});

test("an objective of a domain that does not exist is refused by field", async () => {
  const body = {
    name: "Lost",
    description: "",
    domain_id: crypto.randomUUID(),
    timeframe: "2026",
  };
  const answer = await api.call("POST", "/api/v1/objectives", { as: "editor", body });
  expect([answer.status, answer.body.errors[0].field]).toEqual([400, "/domain_id"]);
});

test("a password is kept as a hash, never shown, and works until it is changed", async () => {
  const user = { email: "new@example.com", name: "New", role: "editor", password: "first-secret" };
  const created = await api.call("POST", "/api/v1/users", { as: "admin", body: user });
  expect(created.text).not.toMatch(/first-secret|scrypt/);
  const login = (password: string) =>
    api.call("POST", "/api/v1/auth/login", {
      as: "nobody",
      body: { email: "NEW@example.com", password },
    });
  const { body } = await login("first-secret");
  const me = await api.call("GET", "/api/v1/me", { token: body.token });
  expect(me.body).toMatchObject({ email: "new@example.com", role: "editor" });
  const item = `/api/v1/users/${created.body.id}`;
  await api.call("PATCH", item, { as: "admin", body: { password: "second-secret" } });
  expect((await login("first-secret")).status).toBe(401);
  expect((await login("second-secret")).status).toBe(200);
  await api.call("PATCH", item, { as: "admin", body: { active: false } });
  expect((await login("second-secret")).status).toBe(401);
  const { rows } = await api.client.query("select document::text from users");
  expect(JSON.stringify(rows)).not.toMatch(/secret|scrypt|password/);
});

test("statistics count everything, in one statement's answer", async () => {
  const { body } = await api.call("GET", "/api/v1/metrics/stats");
  const { rows } = await api.client.query("select category, owner from metrics");
  expect(body.total).toBe(rows.length);
  expect(body.owners).toBe(new Set(rows.map((row) => row.owner)).size);
  const added = Object.values<number>(body.by_category).reduce((sum, count) => sum + count, 0);
  expect(added).toBe(rows.length);
});

test("each filter narrows as it says, and filters combine", async () => {
  const odd = { category: "c1", tier: "tier3", owner: "o'1", business_domain: "b 1" };
  const one = aMetric({ ...odd, tags: ["t1", "t2"], name: "One" });
  const two = aMetric({ ...odd, owner: "o2", tags: ["t3"], name: "Two" });
  for (const body of [one, two]) await api.call("POST", "/api/v1/metrics", { as: "editor", body });
  const names = async (query: string): Promise<string[]> =>
    (await api.call("GET", `/api/v1/metrics?${query}`)).body.data.map(
      (row: { name: string }) => row.name,
    );
  expect(await names("category=c1&sortField=name")).toEqual(["One", "Two"]);
  expect(await names("tier=tier3&sortField=name&sortOrder=desc")).toEqual(["Two", "One"]);
  expect(await names("owner=o%271")).toEqual(["One"]);
  expect(await names("business_domain=b+1&owner=o2")).toEqual(["Two"]);
  expect(await names("tags=t2,t3&sortField=name")).toEqual(["One", "Two"]);
  expect(await names("tags=t1&tags=nope")).toEqual(["One"]);
  expect(await names("category=c1&tags=nope")).toEqual([]);
});

test("search finds word forms in name and description, best first", async () => {
  const bodies = [
    aMetric({ name: "Latency", description: "How quickly requests are answered", category: "q" }),
    aMetric({ name: "Answering quickly", description: "Nothing else", category: "q" }),
    aMetric({ name: "Unrelated", description: "Nothing at all", category: "q" }),
  ];
  for (const body of bodies) await api.call("POST", "/api/v1/metrics", { as: "editor", body });
  const found = await api.call("GET", "/api/v1/metrics?q=quick%20answers&category=q");
  const names = found.body.data.map((row: { name: string }) => row.name);
  expect(names).toEqual(["Answering quickly", "Latency"]);
  expect(found.headers.get("x-total-count")).toBe("2");
  for (const odd of ["((", "%22unclosed", "%27%3B--", "%26%7C%21", "the"]) {
    expect((await api.call("GET", `/api/v1/metrics?q=${odd}`)).status).toBe(200);
  }
});

test("HEAD answers as GET does, without a body, and an unknown method says what is allowed", async () => {
  await api.call("GET", "/api/v1/domains");
  const get = await api.call("GET", "/api/v1/domains");
  const head = await api.call("HEAD", "/api/v1/domains");
  expect([head.status, head.text]).toEqual([200, ""]);
  expect(head.headers.get("content-length")).toBe(get.headers.get("content-length"));
  const answer = await api.call("DELETE", "/api/v1/domains", { as: "admin" });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
});

test("a read of one document that has not changed answers 304 to its own tag", async () => {
  const item = `/api/v1/domains/${domainId}`;
  const first = await api.call("GET", item);
  const headers = { "if-none-match": first.headers.get("etag")! };
  expect((await api.call("GET", item, { headers })).status).toBe(304);
  await api.call("PATCH", item, { as: "editor", body: { description: "Changed" } });
  const after = await api.call("GET", item, { headers });
  expect([after.status, cacheOf(after)]).toEqual([200, "MISS"]);
});
