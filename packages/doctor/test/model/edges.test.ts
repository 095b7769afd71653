import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readCatalog } from "../../src/catalog/read.ts";
import { type ModelOptions, openModel } from "../../src/model/open.ts";
import { plannedFrom } from "../../src/model/planned.ts";
import type { Target } from "../../src/target/types.ts";
import { testTarget } from "./test-target.ts";

/** PostgreSQL is initialised several times, which takes seconds each. */
vi.setConfig({ testTimeout: 180_000 });

let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "hasten-edges-"));
});
afterAll(() => rm(cacheDir, { recursive: true, force: true }));

async function prepared(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function modelOf(target: Target, options: ModelOptions = {}) {
  const catalog = await readCatalog(target);
  return { catalog, model: await openModel(target, catalog, { cacheDir, ...options }) };
}

test("two openings at once share one template, private to this user", async () => {
  await using db = await freshDatabase();
  await using first = await testTarget(db.url);
  await using second = await testTarget(db.url);
  const models = await Promise.all([modelOf(first), modelOf(second)]);
  for (const { model } of models) await model[Symbol.asyncDispose]();
  expect(await readdir(cacheDir)).toHaveLength(1);
  expect((await stat(cacheDir)).mode & 0o777).toBe(0o700);
});

test("the working directory is gone afterwards, and one that a killed process left as well", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  const left = join(tmpdir(), `hasten-doctor-model-${child.pid}-abcdef`);
  await mkdir(left, { mode: 0o700 });
  await using db = await freshDatabase();
  await using target = await testTarget(db.url);
  const { model } = await modelOf(target);
  expect(existsSync(left)).toBe(false);
  const mine = async () =>
    (await readdir(tmpdir())).filter((name) =>
      name.startsWith(`hasten-doctor-model-${process.pid}-`),
    );
  const [path = ""] = await mine();
  expect((await stat(join(tmpdir(), path))).mode & 0o777).toBe(0o700);
  await model[Symbol.asyncDispose]();
  expect(await mine()).toEqual([]);
});

test("what a killed process left in the cache goes; a damaged template is made anew", async () => {
  const own = await mkdtemp(join(tmpdir(), "hasten edges "));
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  await using db = await freshDatabase();
  await using target = await testTarget(db.url);
  try {
    const first = await modelOf(target, { cacheDir: own });
    await first.model[Symbol.asyncDispose]();
    const [template = ""] = await readdir(own);
    await rm(join(own, template, "base"), { recursive: true });
    await mkdir(join(own, `.${template}.${child.pid}.abc`), { mode: 0o700 });
    const { model } = await modelOf(target, { cacheDir: own });
    expect(model.notes).toEqual([]);
    await model[Symbol.asyncDispose]();
    expect(await readdir(own)).toEqual([template]);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
});

test("a cache that cannot be used costs time only", async () => {
  await using db = await freshDatabase();
  await using target = await testTarget(db.url);
  const { model } = await modelOf(target, { cacheDir: "/dev/null/no" });
  expect(model.notes).toEqual([expect.stringContaining("could not be kept in the cache")]);
  expect(await model.explain({ id: "1", planText: "select 1" })).toMatchObject({ kind: "planned" });
  await model[Symbol.asyncDispose]();
});

test("where text does not sort by bytes, LIKE 'x%' has no use for a plain b-tree", async () => {
  await using db = await freshDatabase();
  const name = `${db.name}_icu`;
  await prepared(
    db.url,
    `create database ${name} locale_provider icu icu_locale 'en-US' template template0`,
  );
  const url = new URL(db.url);
  url.pathname = `/${name}`;
  try {
    await prepared(
      url.href,
      `create table words (id int, word text); insert into words select n, 'w' || md5(n::text)
        from generate_series(1, 20000) n; create index on words (word); analyze words`,
    );
    await using target = await testTarget(url.href);
    const { catalog, model } = await modelOf(target);
    expect(catalog.collationIsC).toBe(false);
    for (const planText of [
      "select * from words where word like 'wab%'",
      "select * from words where word > 'wf' order by word limit 3",
      "select * from words where word = 'w1'",
    ]) {
      const [row] = await target.simple(`explain (format json) ${planText}`);
      const mine = await model.explain({ id: planText, planText });
      const truth = plannedFrom([row ?? {}]);
      if (truth.kind !== "planned") throw new Error(planText);
      expect(mine, planText).toMatchObject({
        usesExisting: truth.usesExisting,
        totalCost: expect.closeTo(truth.totalCost, 0),
      });
    }
    await model[Symbol.asyncDispose]();
  } finally {
    await prepared(db.url, `drop database ${name} with (force)`);
  }
});

test("a role without rights gets a model that says what it lacks", async () => {
  await using db = await freshDatabase();
  const role = `monitor_${db.name}`;
  await prepared(
    db.url,
    `create table t (id int primary key); insert into t select generate_series(1, 1000); analyze t;
      create table seen (id int); alter table seen enable row level security;
      create role ${role} login password 'x' in role pg_monitor; grant select on seen to ${role}`,
  );
  const url = new URL(db.url);
  [url.username, url.password] = [role, "x"];
  try {
    await using target = await testTarget(url.href);
    const { catalog, model } = await modelOf(target);
    expect(catalog.relations.map(({ name, readable }) => [name, readable])).toEqual(
      expect.arrayContaining([
        ["t", false],
        ["seen", true],
      ]),
    );
    expect(model.missing.map(({ because }) => because)).toEqual([
      "this role may not read the table, and so not its statistics",
      "row security hides its statistics from this role",
    ]);
    await model[Symbol.asyncDispose]();
  } finally {
    await prepared(db.url, `drop owned by ${role}; drop role ${role}`);
  }
});

test("a table of a type that the model cannot have is missing, its neighbours are there", async () => {
  await using db = await freshDatabase();
  await prepared(
    db.url,
    `create type odd; create function odd_in(cstring) returns odd language internal strict immutable as 'textin';
      create function odd_out(odd) returns cstring language internal strict immutable as 'textout';
      create type odd (input = odd_in, output = odd_out, like = text);
      create table strange (id int, o odd); create table plain (id int);
      create aggregate total_of (int) (sfunc = int4pl, stype = int);
      create function shout(text) returns text language internal immutable strict as 'upper';
      create table loud (v text); create index on loud (shout(v)); create view both_ as select o from strange`,
  );
  await using target = await testTarget(db.url);
  const { catalog, model } = await modelOf(target);
  const names = model.missing.map(
    ({ relation }) => catalog.relations.find(({ oid }) => oid === relation)?.name,
  );
  expect(names.sort()).toEqual(["both_", "strange"]);
  expect(model.missing[0]?.because).toContain("SQLSTATE 42704");
  expect(model.notes).toEqual([
    "The model lacks 1 existing index of a kind it does not know, on loud.",
  ]);
  const ask = (planText: string) => model.explain({ id: planText, planText });
  expect(await ask("select * from plain")).toMatchObject({ kind: "planned" });
  expect(await ask("select * from strange")).toMatchObject({
    kind: "refused",
    because: "it names a table that the model does not have",
  });
  await model[Symbol.asyncDispose]();
});

test("2.3 GB over three files: costs by PostgreSQL's arithmetic; only the asked tables are there", async () => {
  await using db = await freshDatabase();
  await prepared(db.url, "create table big (id int, v int); create table other (id int)");
  await using target = await testTarget(db.url);
  const huge: Target = {
    ...target,
    rows: async <Row extends object>(text: string, values?: readonly unknown[]) => {
      const rows = await target.rows<Row>(text, values);
      return text.includes("as blocks")
        ? rows.map((row) => ({ ...row, pages: 300_000, blocks: 300_000, rows: 24_000_000 }))
        : rows;
    },
  };
  const catalog = await readCatalog(huge);
  const big = catalog.relations.find(({ name }) => name === "big");
  await using model = await openModel(huge, catalog, { cacheDir, tables: [big?.oid ?? 0] });
  expect(await model.explain({ id: "1", planText: "select * from big" })).toMatchObject({
    totalCost: 300_000 + 24_000_000 * 0.01,
    rows: 24_000_000,
  });
  expect(await model.explain({ id: "1", planText: "select * from other" })).toMatchObject({
    kind: "refused",
  });
});

test("a plan that only version 18 could make is refused for an older target", async () => {
  await using db = await freshDatabase();
  await prepared(
    db.url,
    `create table t (few int, many int, v text); insert into t select n % 5, n, 'v' || n
      from generate_series(1, 50000) n; create index on t (few, many); analyze t`,
  );
  await using target = await testTarget(db.url);
  const older: Target = { ...target, major: 15 };
  const catalog = await readCatalog(target);
  await using now = await openModel(target, catalog, { cacheDir });
  await using then = await openModel(older, catalog, { cacheDir });
  const ask = (planText: string) => ({ id: planText, planText });
  expect(await now.explain(ask("select v from t where many = 77"))).toMatchObject({
    usesExisting: ["t_few_many_idx"],
  });
  expect(await then.explain(ask("select v from t where many = 77"))).toMatchObject({
    kind: "refused",
  });
  expect(await then.explain(ask("select v from t where few = 1 and many = 77"))).toMatchObject({
    usesExisting: ["t_few_many_idx"],
  });
});
