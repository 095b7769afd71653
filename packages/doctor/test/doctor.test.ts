import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CANARY, openShop, QUERY, type Shop } from "./shop.ts";

const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

// Each run is a process that starts a planner; a busy machine takes its time.
vi.setConfig({ testTimeout: 180_000 });

let database: TestDatabase;
let shop: Shop;
let folder: string;

beforeAll(async () => {
  database = await freshDatabase();
  shop = await openShop(database.url);
  folder = await mkdtemp(join(tmpdir(), "hasten-doctor-test-"));
});

afterAll(async () => {
  await shop.drop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Settings {
  readonly url?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** Interrupts it as soon as stderr says this. */
  readonly interruptAt?: string;
}

/** Runs the command as a process of its own, as a user would. */
function doctor(args: readonly string[], settings: Settings = {}): Promise<Ended> {
  const { url, env = {}, interruptAt } = settings;
  const child = spawn(process.execPath, ["--conditions=hasten-source", MAIN, ...args], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      XDG_CACHE_HOME: join(tmpdir(), "hasten-doctor-test-cache"),
      TMPDIR: folder,
      ...(url === undefined ? {} : { DATABASE_URL: url }),
      ...env,
    },
  });
  let out = "";
  let err = "";
  let interrupted = false;
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
    if (interruptAt === undefined || interrupted || !err.includes(interruptAt)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

interface ReportJson {
  readonly target: { rights: { role: string }; spent: { statements: number; waitedMs: number } };
  readonly workload: {
    source: string;
    window: { kind: string };
    statements: { id: string; text: string; calls: number }[];
    notes: string[];
  };
  readonly indexes: {
    advice: { kind: string; table: string; badge: string; ddl: string[]; savedShare: number }[];
    calibration: { compared: number; within10Percent: number };
  } | null;
  readonly findings: { id: string }[];
  readonly plans: { id: string; analyzed: boolean; findings: unknown[] }[];
  readonly coverage: { part: string; share: number; missing: string[] }[];
  readonly grants: string[];
  readonly notes: string[];
}

async function json(args: readonly string[], settings: Settings): Promise<ReportJson> {
  const ended = await doctor([...args, "--json"], settings);
  expect(ended.err).not.toContain("hasten-doctor:");
  expect(ended.code).toBe(0);
  return JSON.parse(ended.out) as ReportJson;
}

const coverage = (report: ReportJson, part: string): number =>
  report.coverage.find((each) => each.part === part)?.share ?? -1;

test("as the owner: the missing index is found and proven, in every form, without a value", async () => {
  const html = join(folder, "report.html");
  const file = join(folder, "report.json");
  const ended = await doctor(["--html", html, "--json", file, "--width", "100"], {
    url: shop.ownerUrl,
  });
  expect(ended.code).toBe(0);
  expect(ended.out).toContain("Index advice");
  const text = await readFile(file, "utf8");
  const page = await readFile(html, "utf8");
  const report = JSON.parse(text) as ReportJson;
  expect(report.notes.filter((note) => note.startsWith("Not looked at"))).toEqual([]);
  const advice = report.indexes?.advice.find(({ table }) => table === "public.orders");
  expect(advice?.badge).toBe("model");
  expect(advice?.ddl[0]).toMatch(/^create index concurrently .*"?customer_id"?, "?created_at"?/i);
  expect(ended.out).toContain(advice?.ddl[0]);
  expect(report.indexes?.calibration.within10Percent).toBe(report.indexes?.calibration.compared);
  expect(coverage(report, "plans")).toBe(1);
  expect(report.plans.length).toBeGreaterThan(0);
  expect(report.grants).toEqual([]);
  for (const form of [ended.out, ended.err, text, page])
    expect([form.includes(CANARY), form.includes("7391")]).toEqual([false, false]);

  const schema = new URL("../schema/report.v1.json", import.meta.url);
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  const check = validate.compile(JSON.parse(await readFile(schema, "utf8")) as object);
  expect(check(report) ? [] : check.errors).toEqual([]);
});

test("as pg_monitor: health is seen, advice is marked as not verified, the grant is printed", async () => {
  const report = await json([], { url: shop.monitorUrl });
  expect(report.target.rights.role).toMatch(/^shop_monitor/);
  expect(coverage(report, "health")).toBeGreaterThan(0.8);
  expect(coverage(report, "indexes")).toBeLessThan(0.1);
  const advice = report.indexes?.advice ?? [];
  expect(advice.filter(({ kind }) => kind !== "drop").map(({ badge }) => badge)).toContain(
    "unverified",
  );
  expect(advice.filter(({ kind }) => kind !== "drop").map(({ badge }) => badge)).not.toContain(
    "model",
  );
  expect(report.grants.join()).toMatch(/GRANT pg_read_all_data TO "shop_monitor_/);
  const text = await doctor(["--only", "indexes"], { url: shop.monitorUrl });
  expect(text.out).toContain("GRANT pg_read_all_data");
});

test("--only leaves the other parts out, and --fail-on decides the exit code", async () => {
  const health = await json(["--only", "health"], { url: shop.ownerUrl });
  expect(health.indexes).toBe(null);
  expect(health.plans).toEqual([]);
  expect(health.coverage.map(({ part }) => part)).toEqual(["statements", "health"]);
  const url = shop.ownerUrl;
  // The missing index is a deduction of its own.
  const indexes = ["--only", "indexes", "--json", "out.json"];
  expect((await doctor([...indexes, "--fail-on", "warning"], { url })).code).toBe(1);
  expect((await doctor([...indexes, "--fail-on", "critical"], { url })).code).toBe(0);
  const env = { HASTEN_DOCTOR_FAIL_ON: "warning", HASTEN_DOCTOR_ONLY: "indexes" };
  expect((await doctor([], { url, env })).code).toBe(1);
});

test("--save and --since: only what happened in between counts", async () => {
  const saved = join(folder, "before.json");
  const url = shop.ownerUrl;
  const first = await json(["--only", "health", "--save", saved], { url });
  expect(first.workload.window.kind).toBe("totals");
  expect((await readFile(saved, "utf8")).includes(CANARY)).toBe(false);
  await shop.work();
  const second = await json(["--only", "plans", "--since", saved], { url });
  expect(second.workload.window.kind).toBe("delta");
  const [statement] = second.workload.statements.filter(({ text }) => text.includes("from orders"));
  expect(statement?.calls).toBe(25);
});

test("--sample counts for so long and says so", async () => {
  const report = await json(["--only", "health", "--sample", "1s"], { url: shop.ownerUrl });
  expect(report.workload.window.kind).toBe("delta");
});

test("--queries takes a file's statements, whose literals are in no report", async () => {
  const file = join(folder, "queries.sql");
  await writeFile(file, `${QUERY};\nselect id from customers where email = '${CANARY}';\n`);
  const url = shop.ownerUrl;
  const report = await json(["--queries", file], { url });
  expect(report.workload.source).toBe("file");
  expect(report.workload.statements).toHaveLength(2);
  expect(JSON.stringify(report).includes(CANARY)).toBe(false);
  expect(report.indexes?.advice.some(({ table }) => table === "public.orders")).toBe(true);
});

test("--explain plans a query without running it, and with --analyze runs what changes nothing", async () => {
  const url = shop.ownerUrl;
  const query = `select * from orders where customer_id = 7 and status <> '${CANARY}'`;
  const planned = await json(["--explain", query], { url });
  expect(planned.plans.map(({ id, analyzed }) => [id, analyzed])).toEqual([["explain", false]]);
  expect(JSON.stringify(planned).includes(CANARY)).toBe(false);
  const ran = await json(["--explain", query, "--analyze"], { url });
  expect(ran.plans[0]?.analyzed).toBe(true);
  expect(ran.findings.map(({ id }) => id)).toContain("plan/seq-scan-selective-filter");

  const hostile = await doctor(["--explain", "delete from orders returning *", "--analyze"], {
    url,
  });
  expect(hostile.code).toBe(2);
  expect(hostile.err).toContain("HST_DOCTOR_GUARD");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  expect((await client.query("select count(*)::int as n from orders")).rows).toEqual([
    { n: 100_000 },
  ]);
  await client.end();
});

test("--explain judges a plan from a file, without any database", async () => {
  const plan = join(folder, "plan.json");
  const client = new pg.Client({ connectionString: shop.ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ "QUERY PLAN": unknown }>(
    `explain (analyze, buffers, format json) select * from orders where customer_id = 7 and status <> '${CANARY}'`,
  );
  await client.end();
  await writeFile(plan, JSON.stringify(rows[0]?.["QUERY PLAN"]));
  const ended = await doctor(["--explain", plan, "--html", join(folder, "plan.html")]);
  expect(ended.err).not.toContain("hasten-doctor:");
  expect(ended.code).toBe(0);
  expect(ended.out).toContain("Seq Scan");
  expect(ended.out).toContain("plan/seq-scan-selective-filter");
  const page = await readFile(join(folder, "plan.html"), "utf8");
  expect([ended.out.includes(CANARY), page.includes(CANARY)]).toEqual([false, false]);
  await writeFile(plan, "{}");
  expect((await doctor(["--explain", plan])).code).toBe(2);
});

test.each([
  [[], {}, "not known which database"],
  [["--nope"], {}, "no option --nope"],
  [["--sample", "60"], {}, "with its unit"],
  [["--sample", "5ms", "postgres://h/x"], {}, "Pass 1s to 1h"],
  [["--only", "all", "postgres://h/x"], {}, "indexes,health,plans"],
  [["--fail-on", "info"], {}, "warning nor critical"],
  [["--analyze", "postgres://h/x"], {}, "--explain"],
  [["postgres://u:secret@h/x", "b"], {}, "one URL"],
  [["mysql://u:secret@h/x"], {}, "HST_DOCTOR_OPTION"],
  [["postgres://u:secret@127.0.0.1:1/x"], {}, "HST_DOCTOR_TARGET"],
  [["--since", "none.json", "postgres://h/x"], {}, "HST_DOCTOR_FILE"],
  [["--queries", "none.sql", "postgres://h/x"], {}, "HST_DOCTOR_FILE"],
  [["--html", "/none/r.html", "postgres://h/x"], {}, "HST_DOCTOR_FILE"],
  [["postgres://h/x"], { HASTEN_SLOW_MS: "fast" }, "--slow-ms"],
])("hasten-doctor %j ends with 2 and says what to do", async (args, env, says) => {
  const ended = await doctor(args, { env });
  expect(ended.code).toBe(2);
  expect(ended.err).toContain(says);
  expect(ended.out).toBe("");
  expect(ended.err).not.toMatch(/\n {4}at /);
  expect(ended.err.includes("secret@") || ended.err.includes(":secret")).toBe(false);
});

test("--help and --version", async () => {
  const help = await doctor(["--help"]);
  expect(help.code).toBe(0);
  expect(help.out).toContain("--fail-on");
  expect(help.out.split("\n").every((line) => line.length <= 96)).toBe(true);
  expect((await doctor(["-v"])).out).toMatch(/^\d+\.\d+\.\d+/);
});

test("an interrupt closes the session and leaves no file", async () => {
  const ended = await doctor(["--sample", "60s"], {
    url: shop.ownerUrl,
    interruptAt: "Counting statements",
  });
  expect(ended.code).toBe(130);
  expect(ended.err).toContain("interrupted");
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await expect
    .poll(async () => {
      const { rows } = await client.query(
        "select pid from pg_stat_activity where application_name = 'hasten-doctor' and datname = current_database()",
      );
      return rows;
    })
    .toEqual([]);
  await client.end();
  expect((await readdir(folder)).filter((name) => name.startsWith("hasten-doctor"))).toEqual([]);
});

test("without colour on a pipe, and a step a line on stderr", async () => {
  const ended = await doctor(["--only", "health"], { url: shop.ownerUrl });
  expect(ended.out.includes("\u001b")).toBe(false);
  expect(ended.err.includes("\u001b")).toBe(false);
  expect(ended.err).toContain("Connecting …\n");
});

test("what the run cost the server is told, and is little", async () => {
  const report = await json([], { url: shop.ownerUrl });
  expect(report.target.spent.statements).toBeGreaterThan(20);
  expect(report.target.spent.waitedMs).toBeLessThan(20_000);
});
