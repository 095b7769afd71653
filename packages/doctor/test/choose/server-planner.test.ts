import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import type { Relation } from "../../src/catalog/types.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";
import { openServerPlanner } from "../../src/testing/server-planner.ts";

function relation(oid: number, name: string): Relation {
  return {
    oid,
    schema: "public",
    name,
    kind: "table",
    parents: [],
    isPartition: false,
    columns: [],
    indexes: [],
    foreignKeys: [],
    pages: 0,
    rows: 0,
    allVisiblePages: 0,
    fillfactor: 100,
    activity: {
      seqScans: 0,
      seqRowsRead: 0,
      indexScans: 0,
      inserted: 0,
      updated: 0,
      hotUpdated: 0,
      deleted: 0,
      liveRows: 0,
      deadRows: 0,
    },
    readable: true,
    viewText: undefined,
  };
}

test("indexes are there within a what-if and gone after it, partitions and constraints included", async () => {
  await using db = await freshDatabase();
  await using client = await connect(db.url);
  await client.query(`
    create table posts (id int primary key, blog_id int, user_id int);
    insert into posts select n, n % 1000, n % 10 from generate_series(1, 20000) n;
    create table parted (id int, day int) partition by range (day);
    create table parted_1 partition of parted for values from (0) to (100);
    create table parted_2 partition of parted for values from (100) to (200);
    insert into parted select n, n % 200 from generate_series(1, 20000) n;
    analyze`);
  const { rows } = await client.query<{ oid: number; relname: string }>(
    "select oid::int, relname from pg_class where relname in ('posts', 'parted')",
  );
  const oids = new Map(rows.map((row) => [row.relname, row.oid]));
  const posts = oids.get("posts") ?? 0;
  const parted = oids.get("parted") ?? 0;
  await using planner = await openServerPlanner({
    url: db.url,
    relations: [relation(posts, "posts"), relation(parted, "parted")],
  });
  const byBlog = { id: "1", planText: "select * from posts where blog_id = $1" };
  const byId = { id: "2", planText: "select * from posts where id = $1" };
  const partedById = { id: "3", planText: "select * from parted where id = $1" };

  const before = await planner.explain(byBlog);
  const blog = columnsCandidate(posts, ["blog_id"]);
  const id = columnsCandidate(parted, ["id"]);
  const bad = columnsCandidate(posts, ["nothing"]);
  const [within, partedWithin, refused] = await planner.whatIf(
    { add: [blog, bad, id], drop: [] },
    async (explain, refused) => [await explain(byBlog), await explain(partedById), refused],
  );
  expect(within).toMatchObject({ kind: "planned", uses: [blog.id], usesExisting: [] });
  expect(partedWithin).toMatchObject({ kind: "planned", uses: [id.id] });
  expect(refused).toEqual([{ candidate: bad.id, because: "SQLSTATE 42703" }]);
  expect(await planner.explain(byBlog)).toEqual(before);
  expect(before.kind === "planned" && within.kind === "planned").toBe(true);
  if (before.kind === "planned" && within.kind === "planned")
    expect(within.totalCost).toBeLessThan(before.totalCost / 2);

  const key = await client.query<{ oid: number }>("select 'posts_pkey'::regclass::oid::int oid");
  const withKey = await planner.explain(byId);
  expect(withKey).toMatchObject({ usesExisting: ["posts_pkey"] });
  const without = await planner.whatIf({ add: [], drop: [key.rows[0]?.oid ?? 0] }, (explain) =>
    explain(byId),
  );
  expect(without).toMatchObject({ usesExisting: [] });
  expect(await planner.explain(byId)).toEqual(withKey);
  expect(await planner.explain({ id: "4", planText: "select nothing" })).toEqual({
    kind: "refused",
    because: "SQLSTATE 42703",
  });
});

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
