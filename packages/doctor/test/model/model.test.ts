import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/read.ts";
import { openModel } from "../../src/model/open.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";
import { testTarget } from "./test-target.ts";

test("a table of 20,000 rows: the same cost as on the server, an index tried, and nothing left", async () => {
  await using db = await freshDatabase();
  const client = new pg.Client(db.url);
  await client.connect();
  await client.query(`create table t (id int primary key, k int not null, v text);
    insert into t select n, n % 200, 'text ' || n from generate_series(1, 20000) n`);
  await client.query("vacuum analyze t");
  const { rows } = await client.query("explain (format json) select v from t where k = 7");
  await client.end();
  await using target = await testTarget(db.url);
  const catalog = await readCatalog(target);
  const table = catalog.relations.find(({ name }) => name === "t");
  await using model = await openModel(target, catalog);
  expect(model.missing).toEqual([]);

  const statement = { id: "1", planText: "select v from t where k = 7" };
  const before = await model.explain(statement);
  expect(before).toMatchObject({ totalCost: rows[0]["QUERY PLAN"][0].Plan["Total Cost"] });

  const candidate = columnsCandidate(table?.oid ?? 0, ["k"]);
  const after = await model.whatIf({ add: [candidate], drop: [] }, async (explain, refused) => {
    expect(refused).toEqual([]);
    return explain(statement);
  });
  expect(after).toMatchObject({ uses: [candidate.id] });
  expect(await model.explain(statement)).toEqual(before);
}, 120_000);
