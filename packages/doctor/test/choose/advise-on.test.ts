/** Candidates to advice on a real server, where the planner really creates the indexes. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import type { StatementFacts } from "../../src/candidates/types.ts";
import { readCatalog } from "../../src/catalog/read.ts";
import { adviseOn } from "../../src/choose/advise-on.ts";
import { loadParser } from "../../src/parse/parse.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";
import { relationNamed } from "../../src/testing/catalog.ts";
import { openServerPlanner } from "../../src/testing/server-planner.ts";
import { workloadOf } from "../../src/testing/workload.ts";
import { vacuumUntilVisible } from "./visible.ts";

test("one index for both statements, the old one replaced, all proven and undone", async () => {
  await using db = await freshDatabase();
  await using client = await connect(db.url);
  await client.query(`
    create table posts (id int primary key, blog_id int, user_id int);
    insert into posts select n, n % 1000, n % 10 from generate_series(1, 100000) n;
    create index posts_user on posts (user_id);
    analyze posts`);
  await vacuumUntilVisible(client);
  await using target = await openTarget(connectionFrom(db.url, {}));
  const catalog = await readCatalog(target);
  const posts = relationNamed(catalog, "posts");
  const parser = await loadParser();
  await using planner = await openServerPlanner({ url: db.url, relations: catalog.relations });
  const workload = workloadOf([
    { text: "select * from posts where user_id = $1 and blog_id = $2", share: 0.6 },
    { text: "select * from posts where user_id = $1 and blog_id < 10", share: 0.3 },
    { text: "select * from posts where id = $1", share: 0.1 },
  ]);
  const facts = workload.statements.map(
    ({ id, share }): StatementFacts => ({
      id,
      share,
      skipped: [],
      scans: [
        {
          relation: posts.oid,
          clauses: [],
          order: [],
          limited: false,
          grouped: [],
          columns: undefined,
        },
      ],
    }),
  );
  const ids = workload.statements.map(({ id }) => id);
  const candidates = [
    ["user_id"],
    ["blog_id"],
    ["user_id", "blog_id"],
    ["blog_id", "user_id"],
    ["blog_id", "id"],
  ].map((keys) => columnsCandidate(posts.oid, keys, { statements: ids }));
  const before = await client.query("select count(*) from pg_indexes");
  const result = await adviseOn(
    { target, catalog, workload, parser, planner, missing: [] },
    { facts, candidates },
  );
  expect(result.advice).toHaveLength(1);
  expect(result.advice[0]).toMatchObject({
    kind: "replace",
    table: "public.posts",
    columns: ["user_id", "blog_id"],
    replaces: ["posts_user"],
    badge: "model",
    impact: "high",
    ddl: [
      "create index concurrently posts_user_id_blog_id_idx on public.posts (user_id, blog_id);",
      "drop index concurrently public.posts_user;",
    ],
  });
  expect(result.calibration).toEqual({ compared: 3, within10Percent: 3 });
  expect(result.considered).toMatchObject({ statements: 3, candidates: 5 });
  expect((await client.query("select count(*) from pg_indexes")).rows).toEqual(before.rows);

  const [advice] = result.advice;
  for (const text of advice?.ddl ?? []) await client.query(text);
  await using after = await openServerPlanner({ url: db.url, relations: [] });
  if (advice?.kind === "replace")
    for (const { id, costAfter } of advice.statements) {
      const statement = workload.statements.find((each) => each.id === id);
      const planned = await after.explain(statement ?? { id, planText: "" });
      expect(planned.kind === "planned" && planned.totalCost).toBeCloseTo(costAfter, 0);
    }
  for (const text of advice?.rollback ?? []) await client.query(text);
  const indexes = await client.query("select indexname from pg_indexes where tablename = 'posts'");
  expect(indexes.rows.map(({ indexname }) => indexname).sort()).toEqual([
    "posts_pkey",
    "posts_user",
  ]);
});

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
