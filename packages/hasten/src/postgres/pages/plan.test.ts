/** What a page costs, by EXPLAIN (ANALYZE, BUFFERS): http.md's acceptance test P6, small. */
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  countQuery,
  createDatabase,
  definePage,
  keyRing,
  offsetQuery,
  type PageRequest,
  pageQuery,
  readOffsetPage,
  readPage,
  readTotal,
  type Statement,
  sortIndex,
  sql,
} from "../index.ts";

const ROWS = 100_000;
const keys = keyRing([{ id: "test", secret: "0123456789abcdef0123456789abcdef" }]);
let database: TestDatabase;
let client: pg.Client;

interface Plan {
  readonly "Node Type": string;
  readonly "Rows Removed by Filter"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: readonly Plan[];
}
interface Cost {
  readonly buffers: number;
  readonly scans: readonly string[];
  readonly rowsRemoved: number;
  /** Most rows any one node gave. */
  readonly rowsMax: number;
}

const spec = definePage({
  from: "items",
  key: ["id"],
  columns: {
    id: { type: "bigint" },
    created: { type: "timestamptz", nullable: false },
    status: { type: "int", nullable: false },
    score: { type: "numeric" },
    owner: { type: "text", nullable: false },
    name: { type: "text", sql: sql`document ->> 'name'` },
  },
  sorts: {
    newest: ["-created"],
    status: ["status"],
    mixed: ["status", { column: "score", direction: "desc", nulls: "last" }],
    nullable: [{ column: "score", direction: "desc", nulls: "last" }],
    name: ["name"],
  },
  cursor: { keys },
});

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(
    `create table items (id bigint primary key, created timestamptz not null, status int not null, score numeric, owner text not null, document jsonb not null);
     select setseed(0.5);
     insert into items select i, timestamptz '2026-01-01' + (i / 5) * interval '1 second', i % 3,
       case when random() > 0.1 then (random() * 10000)::int end, 'owner-' || i % 100,
       jsonb_build_object('name', case when i % 10 > 0 then 'n' || (i % 5000) end)
     from generate_series(1, ${ROWS}) i order by hashint8(i);`,
  );
  for (const sort of spec.sortNames)
    await client.query(`create index on items (${sortIndex(spec, sort).text})`);
  await client.query(
    `create index on items (${sortIndex(spec, "newest", { equal: ["owner"] }).text})`,
  );
  await client.query("vacuum analyze items");
});

test("an index made by indexes.ensure from the same columns is the one the sort needs", async () => {
  await using db = createDatabase({ url: database.url, pool: { min: 0, max: 2 } });
  for (const sort of spec.sortNames) {
    const { columns } = sortIndex(spec, sort);
    const { kind } = await db.indexes.ensure({ table: "items", columns });
    expect([sort, kind]).toEqual([sort, "exists"]);
  }
  const page = await db.page(spec, { sort: "mixed", limit: 2, filter: sql`status = ${2}` });
  const after = await db.page(spec, {
    sort: "mixed",
    limit: 2,
    filter: sql`status = ${2}`,
    cursor: page.next,
  });
  expect([page.rows.length, after.rows.length, after.hasPrev]).toEqual([2, 2, true]);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function costOf({ text, values = [] }: Statement): Promise<Cost> {
  const explain = `explain (analyze, buffers, timing off, summary off, format json) ${text}`;
  await client.query(text, [...values]);
  const { rows } = await client.query(explain, [...values]);
  const root = rows[0]["QUERY PLAN"][0].Plan as Plan;
  const nodes = flat(root);
  return {
    buffers: root["Shared Hit Blocks"] + root["Shared Read Blocks"],
    scans: nodes.map((node) => node["Node Type"]).filter((type) => type.includes("Scan")),
    rowsRemoved: Math.max(...nodes.map((node) => node["Rows Removed by Filter"] ?? 0)),
    rowsMax: Math.max(...nodes.map((node) => node["Actual Rows"] * node["Actual Loops"])),
  };
}

const flat = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flat)];

/** The cursor that goes on after `depth` rows, found by reading up to it in one long page. */
async function cursorAt(request: PageRequest, depth: number): Promise<string> {
  const long = { ...spec, limit: { default: ROWS, max: ROWS } };
  const page = await readPage(client, long, { ...request, limit: depth, fields: ["id"] });
  return page.next!;
}

describe("a page of 20 out of 100,000 rows", () => {
  test.each([
    ["newest", undefined],
    ["-newest", undefined],
    ["status", undefined],
    ["-status", undefined],
    ["mixed", undefined],
    ["-mixed", undefined],
    ["nullable", undefined],
    ["-nullable", undefined],
    ["name", undefined],
    ["-name", undefined],
    ["newest", sql`owner = ${"owner-7"}`],
  ])(
    "by %s reads no more than three times what page one reads, at every depth",
    async (sort, filter) => {
      const request: PageRequest = { sort, filter };
      const list = filter === undefined ? ROWS : ROWS / 100;
      const first = await costOf(pageQuery(spec, request));
      for (const share of [0.001, 0.05, 0.5, 0.95, 0.99]) {
        const cursor = await cursorAt(request, Math.max(20, Math.round(list * share)));
        const forward = pageQuery(spec, { ...request, cursor });
        const page = await readPage(client, spec, { ...request, cursor });
        const backward = pageQuery(spec, { ...request, cursor: page.prev! });
        for (const query of [forward, backward]) {
          const cost = await costOf(query);
          expect(cost.buffers).toBeLessThanOrEqual(3 * first.buffers);
          expect(cost.rowsRemoved).toBe(0);
          expect(cost.rowsMax).toBeLessThanOrEqual(22 * 5);
          expect(cost.scans).not.toContain("Seq Scan");
        }
        const other = await costOf(forward.otherSide([])!);
        expect(other.buffers).toBeLessThanOrEqual(first.buffers);
      }
    },
  );

  test("by number reads every row it skips: what cursors avoid", async () => {
    const deep = await costOf({
      text: "select * from items order by created desc, id desc limit 21 offset 99000",
    });
    const first = await costOf(pageQuery(spec, { sort: "newest" }));
    expect(deep.buffers).toBeGreaterThan(20 * first.buffers);
  });
});

describe("pages by number and totals on a server", () => {
  const small = { ...spec, countMax: 1000 };

  test.each([
    ["newest", undefined],
    ["-mixed", undefined],
    ["nullable", sql`status = ${1}`],
  ])("a deep page by %s looks up the rows it shows and no other", async (sort, filter) => {
    const deep = { ...spec, offsetMax: ROWS };
    const request = { sort, filter, limit: 20, page: 1501, fields: ["id", "name", "score"] };
    const query = offsetQuery(deep, request);
    const plan = await client.query(`explain (analyze, timing off, format json) ${query.text}`, [
      ...query.values,
    ]);
    // The expressions over the document and the cursor's texts are worked out above the limit.
    const nodes = flat(plan.rows[0]["QUERY PLAN"][0].Plan);
    const limit = nodes.findIndex((node) => node["Node Type"] === "Limit");
    expect(limit).toBeGreaterThan(0);
    const lookUps = nodes.filter((node) => node["Node Type"] === "Index Scan");
    expect(lookUps.at(-1)).toMatchObject({ "Actual Rows": 1, "Actual Loops": 21 });

    const page = query.finish((await client.query(query.text, [...query.values])).rows);
    const whole = await readPage(
      client,
      { ...spec, limit: { default: 1, max: ROWS } },
      { ...request, limit: 30_020 },
    );
    expect(page.rows).toEqual(whole.rows.slice(-20));
    const onward = await readPage(client, spec, { sort, filter, limit: 1, cursor: page.next });
    const after = await readPage(client, spec, { sort, filter, limit: 1, cursor: whole.next });
    expect(onward).toEqual(after);
  });

  test("a list of SQL of its own is read in one go, however deep", () => {
    const joined = definePage({
      from: sql`items join (values (1)) one (n) on true`,
      key: ["id"],
      columns: { id: { type: "bigint" } },
      sorts: { id: ["id"] },
    });
    expect(offsetQuery(joined, { page: 1001, limit: 20 }).text).not.toContain("~picked");
  });

  test("a page by number is the list's own slice, and its cursor goes on from there", async () => {
    const { rows } = await client.query(
      "select id from items order by status, score desc nulls last, id desc limit 40 offset 60",
    );
    const page = await readOffsetPage(client, spec, {
      sort: "mixed",
      page: 4,
      limit: "20",
      fields: ["id"],
    });
    expect(page.rows).toEqual(rows.slice(0, 20));
    expect([page.page, page.limit, page.hasPrev, page.hasNext]).toEqual([4, 20, true, true]);
    const next = await readPage(client, spec, {
      sort: "mixed",
      limit: 20,
      cursor: page.next,
      fields: ["id"],
    });
    expect(next.rows).toEqual(rows.slice(20));
    expect(next.hasPrev).toBe(true);
    const last = await readOffsetPage(client, spec, {
      filter: sql`id <= ${20}`,
      limit: 10,
      page: 2,
    });
    expect([last.rows.length, last.hasNext, last.next]).toEqual([10, false, undefined]);
  });

  test("a total is exact, capped or estimated, and says which", async () => {
    const filter = sql`owner = ${"owner-7"}`;
    expect(await readTotal(client, small, { filter })).toEqual({ kind: "exact", count: 1000 });
    expect(await readTotal(client, small)).toEqual({ kind: "capped", count: 1000 });
    expect(await readTotal(client, small, { filter: sql`false`, beyond: "estimate" })).toEqual({
      kind: "exact",
      count: 0,
    });
    const whole = await readTotal(client, small, { beyond: "estimate" });
    expect([whole.kind, Math.round(whole.count / 1000)]).toEqual(["estimated", 100]);
    const part = await readTotal(client, small, { filter: sql`status = ${1}`, beyond: "estimate" });
    expect(part.kind).toBe("estimated");
    expect(Math.abs(part.count - ROWS / 3)).toBeLessThan(ROWS / 30);
    const cost = await costOf(countQuery(small));
    expect(cost.rowsMax).toBeLessThanOrEqual(1001);
  });
});
