/** Nobody tells the cache what a write changed: it learns that from the rows read, and from the database. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type Answer,
  aMetric,
  BOUND_MS,
  cacheOf,
  type Fixture,
  startFixture,
  wasDropped,
} from "./fixture.ts";

let api: Fixture;
let item: string;
let other: string;
let domain: string;
let objective: string;

beforeAll(async () => {
  api = await startFixture();
  item = await added("metrics", aMetric({ name: "Followed" }));
  other = await added("metrics", aMetric({ name: "Another" }));
  domain = await added("domains", { name: "Sales", description: "", owner_team: "red" });
  objective = await added("objectives", OBJECTIVE());
});
beforeEach(() => api.cache.clear().then(() => undefined));
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const OBJECTIVE = (): Record<string, unknown> => ({
  name: "More of it",
  description: "",
  domain_id: idOf(domain),
  timeframe: "2026-Q1",
  status: "active",
});

const idOf = (path: string): string => path.split("/").at(-1)!;

async function added(resource: string, body: Record<string, unknown>): Promise<string> {
  const created = await api.call("POST", `/api/v1/${resource}`, { as: "admin", body });
  expect([resource, created.status]).toEqual([resource, 201]);
  return `/api/v1/${resource}/${created.body.id}`;
}

const get = (path: string): Promise<Answer> => api.call("GET", path, { as: "admin" });

/** Lists of every kind, and one document of each. */
const READS = (): readonly string[] => [
  "/api/v1/metrics",
  "/api/v1/metrics?tier=tier1",
  "/api/v1/metrics?tags=money,rare&sortField=name",
  "/api/v1/metrics?tags=money&owner=ana&cursor=",
  "/api/v1/metrics?all=true&category=finance&tier=tier1",
  "/api/v1/metrics?q=revenue&tier=tier1",
  "/api/v1/metrics/stats",
  "/api/v1/public/metrics?limit=3",
  item,
  other,
  "/api/v1/domains?owner_team=red",
  domain,
  `/api/v1/objectives?domain_id=${idOf(domain)}`,
  objective,
  "/api/v1/users?active=true",
  "/api/v1/users?role=viewer&sortField=email",
  `/api/v1/users/${api.userIds.viewer}`,
  "/api/v1/me",
];

async function warm(): Promise<void> {
  for (const path of READS()) {
    await get(path);
    expect([path, cacheOf(await get(path))]).toEqual([path, "HIT"]);
  }
}

async function missed(): Promise<string[]> {
  const found: string[] = [];
  for (const path of READS()) if (wasDropped(await get(path))) found.push(path);
  return found;
}

/** Waits until `path` is no longer answered as before. How late was it still asked in vain? */
async function dropped(path: string): Promise<number> {
  const startedMs = performance.now();
  for (let lateMs = 0; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
    const askedMs = performance.now() - startedMs;
    if (wasDropped(await get(path))) return lateMs;
    lateMs = askedMs;
    if (lateMs > 4 * BOUND_MS) expect.unreachable(`${path} is still a hit`);
  }
}

const METRIC_LISTS = (): string[] => READS().slice(0, 8);

test("every read is tracked: its answers follow the change stream, and nothing had to be said about it", async () => {
  expect(api.coherence.status()).toMatchObject({ state: "live", promise: "stream" });
  await warm();
  for (const path of READS()) {
    const status = (await get(path)).headers.get("cache-status");
    expect([path, status]).toEqual([path, expect.stringContaining("detail=stream")]);
  }
  expect(api.notices).toEqual([]);
});

interface Change {
  readonly what: string;
  readonly sql: () => string;
  /** What is dropped, and nothing else. */
  readonly drops: () => readonly string[];
}

const CHANGES: readonly Change[] = [
  {
    what: "an update of one row",
    sql: () =>
      `update metrics set document = document || '{"owner":"psql"}' where id = '${idOf(item)}'`,
    drops: () => [...METRIC_LISTS(), item],
  },
  {
    what: "an insert",
    sql: () =>
      `insert into metrics (document) select document || '{"name":"Copied"}' from metrics where id = '${idOf(item)}'`,
    drops: METRIC_LISTS,
  },
  {
    what: "a delete",
    sql: () => "delete from metrics where name = 'Copied'",
    drops: METRIC_LISTS,
  },
  {
    what: "a write to another table",
    sql: () => `update objectives set document = document || '{"status":"done"}'`,
    drops: () => READS().filter((path) => path.includes("objectives")),
  },
  {
    what: "a transaction over two tables, with what its savepoint took back",
    sql: () => `begin;
      update domains set document = document || '{"owner_team":"red"}';
      savepoint s; update metrics set version = version + 1; rollback to s;
      update users set document = document || '{"team":"blue"}' where id = '${api.userIds.viewer}';
      commit`,
    drops: () => READS().filter((path) => /domains|users(\?|\/)/.test(path)),
  },
];

test.each(CHANGES)(
  "$what by somebody else is seen within the bound, and nothing else is dropped",
  async ({ sql, drops }) => {
    await warm();
    const expected = drops();
    await api.client.query(sql());
    expect(await dropped(expected[0]!)).toBeLessThan(BOUND_MS);
    expect(await missed()).toEqual(expected.slice(1));
  },
);

test("what a trigger wrote elsewhere is seen by its cause's writer at once", async () => {
  await api.client.query(`
    create function rename_objectives() returns trigger language plpgsql as $$
    begin
      update objectives set document = document || jsonb_build_object('name', new.name) where domain_id = new.id;
      return null;
    end $$;
    create trigger renames after update on domains for each row execute function rename_objectives()`);
  try {
    await get(objective);
    const body = { name: "Sold" };
    expect((await api.call("PATCH", domain, { as: "editor", body })).status).toBe(200);
    expect((await get(objective)).body.name).toBe("Sold");
  } finally {
    await api.client.query("drop trigger renames on domains; drop function rename_objectives");
  }
});

test("a rolled back write and one that is not committed yet drop nothing", async () => {
  await warm();
  await api.client.query("begin; update metrics set version = version + 1; rollback");
  await api.client.query("begin; update domains set version = version + 1");
  await new Promise((resolve) => setTimeout(resolve, BOUND_MS));
  expect(await missed()).toEqual([]);
  await api.client.query("commit");
  expect(await dropped(domain)).toBeLessThan(BOUND_MS);
});

test("TRUNCATE and a changed table definition are seen too", async () => {
  await warm();
  await api.client.query("truncate objectives");
  expect(await dropped(objective)).toBeLessThan(BOUND_MS);
  expect((await get(objective)).status).toBe(404);
  objective = await added("objectives", OBJECTIVE());
  await warmed("/api/v1/domains");
  await api.client.query("alter table domains alter column version type bigint");
  expect(await dropped("/api/v1/domains")).toBeLessThan(BOUND_MS);
  expect(await missed()).not.toContain(item);
  await api.client.query("alter table domains alter column version type integer");
});

async function warmed(path: string): Promise<void> {
  await get(path);
  expect(cacheOf(await get(path))).toBe("HIT");
}

test("one write costs each list that is asked for one run of its handler, however many ask", async () => {
  await warm();
  const before = api.responseCache.stats().misses;
  await api.call("PATCH", item, { as: "editor", body: { owner: "asked for" } });
  const lists = METRIC_LISTS();
  await Promise.all(lists.flatMap((path) => Array.from({ length: 10 }, () => get(path))));
  // The stream brings the same write again: it drops nothing a second time.
  await new Promise((resolve) => setTimeout(resolve, BOUND_MS));
  await Promise.all(lists.map(get));
  expect(api.responseCache.stats().misses - before).toBe(lists.length);
});

test("health tells what is promised, and an administrator sees why", async () => {
  const ready = await api.call("GET", "/readyz", { as: "nobody" });
  expect(ready.body.coherence).toMatchObject({
    state: "live",
    promise: "stream",
    bound_ms: BOUND_MS,
    confirmed_ago_ms: expect.any(Number),
  });
  const seen = await get("/api/v1/admin/cache");
  expect(seen.body.coherence).toMatchObject({ state: "live", promise: "stream" });
});
