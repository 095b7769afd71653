/** Every kind of index where it is the right one: advised, really created, used, and much cheaper. */
import { freshDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workloadOf } from "../../src/testing/workload.ts";
import { briefOf, creates, openScene, type Scene } from "./scene.ts";
import { vacuumUntilVisible } from "./visible.ts";

let db: Awaited<ReturnType<typeof freshDatabase>>;
let scene: Scene;

beforeAll(async () => {
  db = await freshDatabase();
  scene = await openScene(db.url, [
    `create extension pg_trgm;
     create table docs (
       id int primary key, data jsonb not null, tags text[] not null, body tsvector not null,
       title text not null, status text not null, created_at timestamptz not null,
       owner int not null, amount int not null, note text not null);
     insert into docs select n,
       jsonb_build_object('k', 'v' || n % 3000, 'n', n, 'rare', n % 997),
       array['t' || n % 500, 'u' || n % 700],
       to_tsvector('simple', 'word' || n % 2000 || ' term' || n % 3000),
       'title ' || md5(n::text) || ' of ' || n,
       case when n % 60 = 0 then 'open' when n % 60 = 7 then 'held' else 'done' end,
       timestamptz '2026-01-01' + n * interval '1 minute',
       n * 7919 % 20000, n % 1000, repeat('x', 60)
     from generate_series(1, 100000) n`,
    // As fine as the rows that jsonb's conditions look for are rare.
    "alter table docs alter column data set statistics 1000",
  ]);
}, 120_000);

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await db?.drop();
});

test.each([
  [
    "jsonb @>",
    `select id from docs where data @> '{"rare": 5}'`,
    /using gin .*jsonb_path_ops/,
    0.8,
  ],
  ["data->>'k' =", "select * from docs where data->>'k' = 'v5'", /->> 'k'/, 0.8],
  ["text[] @>", "select id from docs where tags @> array['t5']", /using gin \(tags/, 0.8],
  [
    "tsvector @@",
    "select id from docs where body @@ to_tsquery('simple', 'word5')",
    /using gin \(body/,
    0.8,
  ],
  [
    "ILIKE '%x%'",
    "select id from docs where title ilike '%abcdef%'",
    /using gin .*gin_trgm_ops/,
    0.8,
  ],
  [
    "a status and a range",
    "select * from docs where status = 'open' and created_at > timestamptz '2026-03-05'",
    /\(created_at\) where .*status.* = 'open'/,
    0.8,
  ],
  [
    "all columns in the index",
    "select owner, amount from docs where owner between 100 and 600",
    /\(owner\) include \(amount\)/,
    0.5,
  ],
])("%s", async (_, text, expected, drop) => {
  const made = creates(
    await scene.advise(workloadOf([text], { source: "file", window: { kind: "file" } })),
  );
  expect(made.map(briefOf)).toEqual([expect.stringMatching(expected)]);
  const [advice] = made;
  expect(advice?.badge).toBe("model");
  const statement = { id: "real", planText: text };
  const before = await scene.real.explain(statement);
  for (const ddl of advice?.ddl ?? []) await scene.client.query(ddl);
  await vacuumUntilVisible(scene.client);
  const after = await scene.real.explain(statement);
  for (const ddl of advice?.rollback ?? []) await scene.client.query(ddl);
  if (before.kind === "refused" || after.kind === "refused") throw new Error("not planned");
  expect(after.usesExisting).not.toEqual(before.usesExisting);
  expect(1 - after.totalCost / before.totalCost).toBeGreaterThanOrEqual(drop);
});
