import { readdir, readFile } from "node:fs/promises";
import { countQuery, offsetQuery, pageQuery, type Statement } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RESOURCES } from "../../src/api/resources/definitions.ts";
import { tableOf } from "../../src/api/resources/document.ts";
import { foundFirst, isCheapToCount, needsCounting } from "../../src/api/resources/few.ts";
import { filterOf, listQuery, sortOf } from "../../src/api/resources/list-query.ts";
import { STATISTICS } from "../../src/api/resources/list-routes.ts";
import { listSpecs } from "../../src/api/resources/list-specs.ts";
import type { Resource } from "../../src/api/resources/resource.ts";
import { RANKED_ROWS_MAX, searchStatement } from "../../src/api/resources/search.ts";
import { seedRows } from "./rows.ts";

const cursorKeys = [{ id: "k1", secret: "c".repeat(32) }];
const MIGRATIONS = new URL("../../src/migrations/", import.meta.url);

let database: Awaited<ReturnType<typeof freshDatabase>>;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const name of (await readdir(MIGRATIONS)).sort()) {
    await client.query(await readFile(new URL(name, MIGRATIONS), "utf8"));
  }
  await seedRows(client);
  // As on any disk without moving parts.
  await client.query("set random_page_cost = 1.1");
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** Values of each filter that match few rows, and some that match many. */
const SAMPLES: Record<string, Record<string, { few: string[]; many?: string[]; lead: RegExp }>> = {
  metrics: {
    category: { few: ["category-3"], lead: /^metrics_category$/ },
    tier: { few: ["tier1"], many: ["tier2"], lead: /^metrics_tier$/ },
    owner: { few: ["owner-7"], lead: /^metrics_owner$/ },
    business_domain: { few: ["domain-9"], lead: /^metrics_business_domain$/ },
    tags: { few: ["rare-3", "rare-3,rare-39"], many: ["tag-3,tag-4"], lead: /^metrics_tags$/ },
  },
  domains: {
    name: { few: ["Domain 7"], lead: /^domains_name_unique$/ },
    owner_team: { few: ["team-3"], lead: /^domains_owner_team$/ },
  },
  objectives: {
    domain_id: { few: ["00000000-0000-4000-8000-000000000007"], lead: /^objectives_domain$/ },
    timeframe: { few: ["2007-Q4"], lead: /^objectives_timeframe$/ },
  },
  users: {
    email: { few: ["user77@example.com"], lead: /^users_email_unique$/ },
    role: { few: ["admin"], many: ["viewer"], lead: /^users_role$/ },
    active: { few: ["false"], many: ["true"], lead: /^users_(in)?active$/ },
  },
};

interface Plan {
  "Node Type": string;
  "Index Name"?: string;
  "Relation Name"?: string;
  Plans?: Plan[];
}

async function nodes(statement: Statement): Promise<Plan[]> {
  const { rows } = await client.query(`explain (format json) ${statement.text}`, [
    ...(statement.values ?? []),
  ]);
  const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)];
  return flatten(rows[0]["QUERY PLAN"][0].Plan);
}

const indexesOf = (plan: Plan[]): string[] =>
  plan.map((node) => node["Index Name"]).filter((name) => name !== undefined);

const sequential = (plan: Plan[]): Plan[] =>
  plan.filter((node) => node["Node Type"] === "Seq Scan");

const samples = (amount: "few" | "many") =>
  RESOURCES.flatMap((resource) =>
    Object.entries(SAMPLES[resource.name]!).flatMap(([name, { lead, ...values }]) =>
      (values[amount] ?? []).map((value) => ({ resource, name, value, lead, of: resource.name })),
    ),
  );

function statementsOf(resource: Resource, name: string, value: string) {
  const { paged } = listSpecs(resource, { jwtSecret: "", cursorKeys });
  const query = listQuery(resource).parse({ [name]: value });
  const filter = filterOf(resource, query);
  const request = { sort: sortOf(query), filter, limit: 20 };
  const pages = [offsetQuery(paged, request), pageQuery(paged, request)];
  return { pages, count: countQuery(paged, { filter }) };
}

test("every filter has a sample here, so that none escapes", () => {
  for (const resource of RESOURCES) {
    expect(Object.keys(SAMPLES[resource.name]!).sort()).toEqual(
      Object.keys(resource.filters).sort(),
    );
  }
});

test.each(samples("few"))(
  "$of?$name=$value matches few rows: pages and count are read from the filter's own index",
  async ({ resource, name, value, lead }) => {
    const { pages, count } = statementsOf(resource, name, value);
    for (const statement of [...pages, count]) {
      const plan = await nodes(statement);
      expect(sequential(plan)).toEqual([]);
      expect(indexesOf(plan)).toEqual([expect.stringMatching(lead)]);
    }
  },
);

test.each(samples("many"))(
  "$of?$name=$value matches many rows: pages are read from an index in their order",
  async ({ resource, name, value }) => {
    for (const statement of statementsOf(resource, name, value).pages) {
      const plan = await nodes(statement);
      expect(sequential(plan)).toEqual([]);
      expect(indexesOf(plan)).toHaveLength(1);
      expect(plan.map((node) => node["Node Type"])).not.toContain("Sort");
    }
  },
);

const sorts = RESOURCES.flatMap((resource) =>
  resource.sorts.flatMap((field) =>
    ["asc", "desc"].map((order) => ({ resource, of: resource.name, field, order })),
  ),
);

test.each(sorts)("$of by $field $order is read from an index without sorting", async (sorted) => {
  const { resource, field: sortField, order: sortOrder } = sorted;
  const { paged } = listSpecs(resource, { jwtSecret: "", cursorKeys });
  const sort = sortOf(listQuery(resource).parse({ sortField, sortOrder }));
  const first = pageQuery(paged, { sort, limit: 20 });
  const { rows } = await client.query(first.text, [...first.values]);
  const { next } = first.finish(rows);
  for (const request of [
    { sort, limit: 20 },
    { sort, limit: 20, cursor: next! },
  ]) {
    const plan = await nodes(pageQuery(paged, request));
    expect(sequential(plan)).toEqual([]);
    expect(plan.map((node) => node["Node Type"])).not.toContain("Sort");
  }
});

interface Buffers {
  "Shared Hit Blocks": number;
  "Shared Read Blocks": number;
}

async function buffersOf(statement: Statement): Promise<number> {
  const { rows } = await client.query(`explain (analyze, buffers, format json) ${statement.text}`, [
    ...(statement.values ?? []),
  ]);
  const plan: Buffers = rows[0]["QUERY PLAN"][0].Plan;
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

test.each([{}, { tier: "tier3" }, { sortField: "name" }])(
  "by cursor the last page of %j reads no more than thrice the first page's buffers",
  async (given) => {
    const resource = RESOURCES[0]!;
    const { paged } = listSpecs(resource, { jwtSecret: "", cursorKeys });
    const query = listQuery(resource).parse(given);
    const request = { sort: sortOf(query), filter: filterOf(resource, query), limit: 20 };
    const first = pageQuery(paged, request);
    const end = pageQuery(paged, { ...request, from: "end" });
    const last = end.finish((await client.query(end.text, [...end.values])).rows);
    const before = pageQuery(paged, { ...request, cursor: last.prev! });
    const page = before.finish((await client.query(before.text, [...before.values])).rows);
    const deep = pageQuery(paged, { ...request, cursor: page.next! });
    expect(deep.text).not.toBe(first.text);
    expect(await buffersOf(deep)).toBeLessThanOrEqual(3 * (await buffersOf(first)));
  },
);

test("the search is answered from the full-text index, also with a filter", async () => {
  const metrics = RESOURCES[0]!;
  const filter = filterOf(metrics, listQuery(metrics).parse({ tier: "tier1" }));
  for (const narrowed of [undefined, filter]) {
    const statement = searchStatement(metrics, {
      words: "uptime",
      filter: narrowed,
      fields: undefined,
    });
    const plan = await nodes(statement);
    expect(sequential(plan)).toEqual([]);
    expect(indexesOf(plan)).toContain("metrics_search");
  }
});

test("the statistics read indexes and no document", async () => {
  const plan = await nodes(STATISTICS);
  expect(new Set(indexesOf(plan))).toEqual(
    new Set(["metrics_owner", "metrics_business_domain", "metrics_category"]),
  );
  expect(plan.filter((node) => /^(Seq|Index|Bitmap Heap) Scan$/.test(node["Node Type"]))).toEqual(
    [],
  );
});

test.each([{ tags: "nobody-has-it" }, { tags: "tag-3", owner: "owner-7", sortField: "name" }])(
  "few rows are found by their filter before they are put in order: %j",
  async (given) => {
    const metrics = RESOURCES[0]!;
    const { paged } = listSpecs(metrics, { jwtSecret: "", cursorKeys });
    const query = listQuery(metrics).parse(given);
    expect(needsCounting(metrics, query)).toBe(true);
    const filter = foundFirst(tableOf(metrics), filterOf(metrics, query)!);
    for (const statement of [
      pageQuery(paged, { sort: sortOf(query), filter, limit: 20 }),
      offsetQuery(paged, { sort: sortOf(query), filter, limit: 50 }),
    ]) {
      const plan = await nodes(statement);
      expect(sequential(plan)).toEqual([]);
      expect(indexesOf(plan)).toContain("metrics_pkey");
      expect(indexesOf(plan)).not.toContain("metrics_updated");
      expect(indexesOf(plan)).not.toContain("metrics_name");
    }
  },
);

test("a total is counted on where that is cheap, by the planner's own cost", async () => {
  const metrics = RESOURCES[0]!;
  const { paged } = listSpecs(metrics, { jwtSecret: "", cursorKeys });
  const filter = filterOf(metrics, listQuery(metrics).parse({ tags: "tag-3" }))!;
  const runner = {
    query: async (text: string, values: unknown[]) => (await client.query(text, values)).rows,
  };
  expect(await isCheapToCount(runner, paged, filter)).toBe(true);
  // As if the rows lay far apart in a table many times as large.
  await client.query("begin; set local seq_page_cost = 100; set local random_page_cost = 100");
  expect(await isCheapToCount(runner, paged, filter)).toBe(false);
  await client.query("rollback");
});

test("a word that every row has is ranked among a bounded number of them", async () => {
  const metrics = RESOURCES[0]!;
  const wanted = { words: "product", filter: undefined, fields: ["name"] };
  const { text, values } = searchStatement(metrics, wanted);
  const { rows } = await client.query(`explain (analyze, format json) ${text}`, [...values]);
  const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)];
  const counts = flatten(rows[0]["QUERY PLAN"][0].Plan).map(
    (node) => (node as Plan & { "Actual Rows": number })["Actual Rows"],
  );
  expect(Math.max(...counts)).toBe(RANKED_ROWS_MAX);
});
