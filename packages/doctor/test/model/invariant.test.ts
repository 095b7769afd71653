import fc from "fast-check";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Candidate } from "../../src/candidates/types.ts";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { copySchema } from "../../src/model/build.ts";
import type { Engine } from "../../src/model/engine.ts";
import { openEngine } from "../../src/model/engine-open.ts";
import { plannerOf } from "../../src/model/planner.ts";
import { type ModelRelations, sizeRelations } from "../../src/model/relations.ts";
import { indexName } from "../../src/model/schema-steps.ts";
import { readSizes, readStatistics, restoreColumn } from "../../src/model/statistics.ts";
import type { Planned, Planner } from "../../src/model/types.ts";
import { loadParser, type Parser } from "../../src/parse/parse.ts";
import type { Target } from "../../src/target/types.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";
import { testTarget } from "./test-target.ts";

let db: TestDatabase;
let target: Target;
let catalog: Catalog;
let engine: Engine;
let parser: Parser;
let relations: ModelRelations;

beforeAll(async () => {
  db = await freshDatabase();
  const client = new pg.Client(db.url);
  await client.connect();
  await client.query(`
    create table p (id int not null, k int, at date not null, primary key (id, at)) partition by range (at);
    create table p1 partition of p for values from ('2025-01-01') to ('2026-01-01');
    create table p2 partition of p for values from ('2026-01-01') to ('2027-01-01');
    insert into p select n, n % 90, date '2025-01-01' + n % 700 from generate_series(1, 20000) n;
    create table t (id int primary key, p int, v text, tags int[]);
    insert into t select n, n / 2, 'v' || n % 40, array[n % 7, n % 11] from generate_series(1, 20000) n;
    create index t_p on t (p)`);
  await client.query("vacuum analyze");
  await client.end();
  target = await testTarget(db.url);
  catalog = await readCatalog(target);
  parser = await loadParser();
  engine = await openEngine({ cacheDir: undefined, collationIsC: true, extensions: [] });
  const copied = await copySchema({ target, catalog, tables: undefined }, engine);
  for await (const rows of readStatistics(target, copied.relations))
    for (const row of rows) {
      const { text, values } = restoreColumn(row);
      await engine.rows(text, values);
    }
  const oids = copied.relations.flatMap((r) => [r.oid, ...r.indexes.map(({ oid }) => oid)]);
  relations = await sizeRelations(engine, copied.relations, await readSizes(target, oids));
}, 180_000);

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  await db?.drop();
});

function planner(own: Engine, sized: ModelRelations): Planner {
  return plannerOf({
    engine: own,
    relations: sized,
    expressions: new Map(),
    indexNames: new Map(
      catalog.relations.flatMap((r) => r.indexes.map((i) => [i.oid, indexName(r, i)] as const)),
    ),
    parser,
    major: 18,
  });
}

const STATEMENTS = [
  "select * from t where p = 5",
  "select * from t where v = 'v7' order by id limit 5",
  "select * from p where k = 3",
  "select count(*) from p join t on t.p = p.id where p.at > '2026-03-01'",
  "select * from t where tags @> '{3}'",
  "select * from nowhere",
].map((planText) => ({ id: planText, planText }));

const oidOf = (name: string): number =>
  catalog.relations.find((relation) => relation.name === name)?.oid ?? 0;

const CANDIDATES: readonly (() => Candidate)[] = [
  () => columnsCandidate(oidOf("t"), ["v"]),
  () => columnsCandidate(oidOf("t"), ["p", "id desc"]),
  () => columnsCandidate(oidOf("t"), ["v"], { predicate: "p < 100" }),
  () => columnsCandidate(oidOf("t"), ["tags"], { method: "gin" }),
  () => columnsCandidate(oidOf("p"), ["k"]),
  () => columnsCandidate(oidOf("p"), ["at"], { method: "brin" }),
  () => columnsCandidate(oidOf("t"), ["no_such_column"]),
  () => columnsCandidate(oidOf("t"), ["v"], { predicate: "random() < 0.5" }),
  () => columnsCandidate(4, ["v"]),
];

interface Trial {
  readonly add: readonly number[];
  readonly drop: readonly string[];
  readonly statements: readonly number[];
  readonly ends: "well" | "throws" | "nested";
}

const trial: fc.Arbitrary<Trial> = fc.record({
  add: fc.uniqueArray(fc.nat(CANDIDATES.length - 1), { maxLength: 4 }),
  drop: fc.subarray(["t_p", "t_pkey", "p_pkey"]),
  statements: fc.array(fc.nat(STATEMENTS.length - 1), { maxLength: 4 }),
  ends: fc.constantFrom("well", "throws", "nested"),
});

async function carryOut(subject: Planner, { add, drop, statements, ends }: Trial): Promise<void> {
  const indexes = catalog.relations.flatMap((relation) => relation.indexes);
  const change = {
    add: add.flatMap((at) => CANDIDATES[at]?.() ?? []),
    drop: indexes.filter(({ name }) => drop.includes(name)).map(({ oid }) => oid),
  };
  const done = subject.whatIf(change, async (explain) => {
    for (const at of statements) {
      const statement = STATEMENTS[at];
      if (statement !== undefined) await explain(statement);
    }
    if (ends === "throws") throw new Error("the caller's own");
    if (ends === "nested") await subject.whatIf(change, async () => undefined);
  });
  if (ends === "well") await done;
  else await expect(done).rejects.toThrow();
}

async function answers(subject: Planner): Promise<readonly Planned[]> {
  const all: Planned[] = [];
  for (const statement of STATEMENTS) all.push(await subject.explain(statement));
  return all;
}

/** Whether, whatever is tried, everything is answered as before. */
async function holds(subject: Planner, runs: number): Promise<fc.RunDetails<[Trial]>> {
  const before = await answers(subject);
  return await fc.check(
    fc.asyncProperty(trial, async (one) => {
      await carryOut(subject, one);
      expect(await answers(subject)).toEqual(before);
    }),
    { numRuns: runs, seed: 20261121, endOnFailure: true },
  );
}

test("whatever happens inside whatIf, explain answers as before", async () => {
  const details = await holds(planner(engine, relations), 150);
  expect(details.failed, fc.defaultReportMessage(details)).toBe(false);
}, 180_000);

test("a hidden index is not used, also one that backs a key or is split over partitions", async () => {
  const subject = planner(engine, relations);
  const one = { id: "1", planText: "select * from p where id = 5" };
  const before = await subject.explain(one);
  expect(before).toMatchObject({ usesExisting: ["p1_pkey", "p2_pkey"] });
  const key = catalog.relations.find(({ name }) => name === "p")?.indexes[0];
  const without = await subject.whatIf({ add: [], drop: [key?.oid ?? 0] }, (explain) =>
    explain(one),
  );
  expect(without).toMatchObject({ usesExisting: [] });
});

test("a statement that would end the transaction is refused", async () => {
  const subject = planner(engine, relations);
  for (const planText of ["select 1; commit", "commit", "explain analyze select 1", "vacuum", "x"])
    expect(await subject.explain({ id: "1", planText })).toMatchObject({ kind: "refused" });
});

test("refusals hold no literal", async () => {
  const subject = planner(engine, relations);
  const answer = await subject.explain({ id: "1", planText: "select * from t where p = 'secret'" });
  expect(answer).toMatchObject({ kind: "refused" });
  expect(JSON.stringify(answer)).not.toContain("secret");
});

test("seeded mutants are found: tables left empty, and what was tried left standing", async () => {
  const shrunk: ModelRelations = {
    ...relations,
    leaves: (oid) => relations.leaves(oid).map((heap) => ({ ...heap, blocks: heap.blocks - 1 })),
  };
  expect((await holds(planner(engine, shrunk), 30)).failed).toBe(true);
  const forgetful: Engine = {
    ...engine,
    run: (text) => engine.run(text === "rollback" ? "commit" : text),
  };
  expect((await holds(planner(forgetful, relations), 30)).failed).toBe(true);
}, 180_000);
