import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { diagnose } from "../../src/diagnose.ts";
import { openEngine } from "../../src/model/engine-open.ts";
import { type ModelOptions, openModel } from "../../src/model/open.ts";
import type { Target } from "../../src/target/types.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";
import { testTarget } from "./test-target.ts";

/** PostgreSQL is initialised several times, which takes seconds each. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const SCHEMA = `
create table t (id int primary key, k int not null, v text);
insert into t select n, n % 200, 'text ' || n from generate_series(1, 20000) n;
analyze t;
create function second(n int) returns int immutable language plpgsql as $$
declare started timestamptz := clock_timestamp();
begin loop exit when clock_timestamp() > started + interval '1 second'; end loop; return n; end $$;
create function endless(n int) returns int immutable language plpgsql as $$
begin loop null; end loop; end $$;
create function endless_sql(n int) returns int immutable language sql as $$
with recursive r (n) as (select $1 union all select n from r) select count(*)::int from r $$;
`;
const LIMIT_MS = 5_000;
const SIMPLE = "select v from t where k = 7";

let db: TestDatabase;
let target: Target;
let catalog: Catalog;
let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "hasten-thread-"));
  db = await freshDatabase();
  const client = new pg.Client(db.url);
  await client.connect();
  await client.query(SCHEMA);
  await client.end();
  target = await testTarget(db.url);
  catalog = await readCatalog(target);
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await db.drop();
  await rm(cacheDir, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const modelOf = (options: ModelOptions = {}) =>
  openModel(target, catalog, { cacheDir, ...options });
const ask = (planText: string) => ({ id: planText, planText });

async function workingFolders(): Promise<readonly string[]> {
  const mine = `hasten-doctor-model-${process.pid}-`;
  return (await readdir(tmpdir())).filter((name) => name.startsWith(mine));
}

/** Files of models that this process has open; Linux only. */
async function openFiles(): Promise<readonly string[]> {
  const own = "/proc/self/fd";
  const handles = await readdir(own).catch(() => []);
  const paths = await Promise.all(
    handles.map((handle) => readlink(join(own, handle)).catch(() => "")),
  );
  return paths.filter((path) => path.includes("hasten-doctor-model-"));
}

test("while a statement is planned for a second, this thread goes on", async () => {
  await using model = await modelOf();
  let ticks = 0;
  const clock = setInterval(() => ticks++, 10);
  expect(await model.explain(ask("select second(1)"))).toMatchObject({ kind: "planned" });
  clearInterval(clock);
  expect(ticks).toBeGreaterThan(5);
});

test.each(["endless", "endless_sql"])(
  "%s() in a plan ends the model by its time limit, for all later calls too",
  async (name) => {
    await using model = await modelOf({ timeLimitMs: LIMIT_MS });
    const ended = {
      code: "HST_DOCTOR_MODEL",
      message: expect.stringContaining("did not answer within 5 s and was ended."),
    };
    const candidate = columnsCandidate(catalog.relations[0]?.oid ?? 0, ["k"]);
    const plan = model.whatIf({ add: [candidate], drop: [] }, (explain) =>
      explain(ask(`select v from t where k = ${name}(1)`)),
    );
    const later = model.explain(ask(SIMPLE)).catch((error: unknown) => error);
    await expect(plan).rejects.toMatchObject(ended);
    await later;
    await expect(model.explain(ask(SIMPLE))).rejects.toMatchObject(ended);
    await expect(model.whatIf({ add: [], drop: [] }, async () => 1)).rejects.toMatchObject(ended);
  },
);

test("a report goes on without a model that ended, and says so", async () => {
  const faults: string[] = [];
  const report = await diagnose({
    url: db.url,
    env: {},
    queries: "-- calls: 100 mean_ms: 50\nselect v from t where k = 7 and id <> endless(1);",
    only: ["indexes"],
    statementTimeoutMs: 500,
    cacheDir,
    onFault: (part) => faults.push(part),
  });
  expect(faults).toEqual(["model"]);
  expect(report.indexes?.notes).toContainEqual(
    expect.stringMatching(/^The what-if model ended too early: .* did not answer within 5 s/),
  );
});

test("a thread that dies rejects the call under way, those that wait and all later ones", async () => {
  const asked = vi.spyOn(Worker.prototype, "postMessage");
  await using model = await modelOf();
  const worker = asked.mock.contexts[0];
  if (!(worker instanceof Worker)) throw new Error("no worker");
  const calls = [ask("select endless(1)"), ask(SIMPLE), ask(SIMPLE)].map((statement) =>
    model.explain(statement),
  );
  const settled = Promise.allSettled(calls);
  await worker.terminate();
  const ended = {
    code: "HST_DOCTOR_MODEL",
    message: expect.stringContaining("The model's PostgreSQL ended unexpectedly."),
    sqlstate: undefined,
  };
  for (const call of await settled)
    expect(call).toMatchObject({ status: "rejected", reason: ended });
  await expect(model.explain(ask(SIMPLE))).rejects.toMatchObject(ended);
});

test("a signal ends a plan under way with its reason, and an opening", async () => {
  const stop = new AbortController();
  await using model = await modelOf({ signal: stop.signal });
  const plan = model.explain(ask("select endless(1)"));
  const reason = new Error("stop");
  stop.abort(reason);
  await expect(plan).rejects.toBe(reason);
  await expect(model.explain(ask(SIMPLE))).rejects.toBe(reason);
  await expect(modelOf({ signal: stop.signal })).rejects.toBe(reason);

  const empty = await mkdtemp(join(tmpdir(), "hasten-thread-"));
  const early = new AbortController();
  const started = vi.spyOn(Worker.prototype, "ref");
  const opening = modelOf({ cacheDir: empty, signal: early.signal });
  const failure = opening.catch((error: unknown) => error);
  await vi.waitFor(() => expect(started).toHaveBeenCalled());
  early.abort(reason);
  expect(await failure).toBe(reason);
  expect(await readdir(empty)).toEqual([]);
  await rm(empty, { recursive: true });
});

test("two models at once keep to themselves; afterwards no folder and no file is left", async () => {
  const models = await Promise.all([modelOf(), modelOf()]);
  const [first, second] = models;
  expect(await workingFolders()).toHaveLength(2);
  const candidate = columnsCandidate(catalog.relations[0]?.oid ?? 0, ["k"]);
  const [tried, ...plain] = await Promise.all([
    first.whatIf({ add: [candidate], drop: [] }, async (explain) => {
      await second.explain(ask(SIMPLE));
      return explain(ask(SIMPLE));
    }),
    ...Array.from({ length: 20 }, () => second.explain(ask(SIMPLE))),
  ]);
  expect(tried).toMatchObject({ uses: [candidate.id] });
  for (const one of plain) expect(one).toMatchObject({ kind: "planned", uses: [] });
  for (const model of models) await model[Symbol.asyncDispose]();
  expect(await workingFolders()).toEqual([]);
  expect(await openFiles()).toEqual([]);
  await expect(first.explain(ask(SIMPLE))).rejects.toMatchObject({ code: "HST_DOCTOR_MODEL" });
});

test("what is refused says its SQLSTATE and nothing that the server said", async () => {
  await using engine = await openEngine({ cacheDir, collationIsC: true, extensions: [] });
  const refused = await engine.run("select 'secret'::int").catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "HST_DOCTOR_MODEL", sqlstate: "22P02" });
  expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain("secret");
  const unsent = engine.rows("select $1::text", [() => "secret"]);
  await expect(unsent).rejects.toMatchObject({ code: "HST_DOCTOR_MODEL" });
  expect(await engine.rows("select $1::text as it", ["still there"])).toEqual([
    { it: "still there" },
  ]);
});

test.each([
  ["after it is closed", "await engine[Symbol.asyncDispose]();"],
  ["with a model that nobody closed", ""],
])("a process ends by itself and prints nothing, %s", async (_, last) => {
  const module = new URL("../../src/model/engine-open.ts", import.meta.url).href;
  const options = JSON.stringify({ cacheDir, collationIsC: true, extensions: ["hstore"] });
  const text = `import { openEngine } from "${module}";
    const engine = await openEngine(${options});
    await engine.run("do $$ begin raise warning 'loud'; end $$");
    ${last}`;
  const child = spawn(
    process.execPath,
    ["--conditions=hasten-source", "--input-type=module", "-e", text],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let out = "";
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  child.stderr.on("data", (chunk) => (out += String(chunk)));
  const [code] = await once(child, "close");
  expect({ code, out }).toEqual({ code: 0, out: "" });
});
