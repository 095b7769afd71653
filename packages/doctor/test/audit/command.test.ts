import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { doctorCommand } from "../../src/cli/command.ts";
import { diagnose } from "../../src/diagnose.ts";
import { openShop, type Shop } from "../shop.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let database: TestDatabase;
let shop: Shop;
let folder: string;

beforeAll(async () => {
  database = await freshDatabase();
  shop = await openShop(database.url);
  folder = await mkdtemp(join(tmpdir(), "hasten-doctor-audit-"));
});

afterAll(async () => {
  await shop.drop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

type Environment = Readonly<Record<string, string>>;

async function run(
  args: readonly string[],
  env: Environment = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = "";
  let err = "";
  const code = await doctorCommand(args, env, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test("what cannot run ends with 2, in the words of the command line", async () => {
  const url = database.url;
  for (const [args, said, env] of [
    [["--explain", "select 1 from orders"], "not known which database", {}],
    [["--html", folder], "--html names a folder", { DATABASE_URL: url }],
    [["--json", "--sample", "0s"], "Pass 1s to 1h", { DATABASE_URL: url }],
    [["--statement-timeout", "1h"], "Pass 100ms to 5m", { DATABASE_URL: url }],
    [["--sample", "5s", "--since", "x.json"], "--since and --queries exclude", {}],
    [
      ["--explain", "delete from orders", "--analyze"],
      "is no SELECT. Without",
      { DATABASE_URL: url },
    ],
  ] as const) {
    const { code, out, err } = await run(args, env);
    expect([args, code, out]).toEqual([args, 2, ""]);
    expect(err).toContain(said);
    expect(err).not.toMatch(/\b(?:sampleMs|statementTimeoutMs)\b/);
  }
});

test("a plan as psql prints it, aligned, is read from a file of any name", async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ "QUERY PLAN": unknown }>(
    "explain (analyze, format json) select * from orders where status = 'open' and total < 3",
  );
  await client.end();
  const lines = JSON.stringify(rows[0]?.["QUERY PLAN"], undefined, 2).split("\n");
  const aligned = `   QUERY PLAN\n-----------------\n ${lines.join(" +\n ")}\n(1 row)\n\n`;
  const file = join(folder, "aligned.txt");
  await writeFile(file, aligned);
  const { code, out, err } = await run(["--explain", file]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain("Seq Scan on orders");
});

test("a plan of estimates is not called healthy", async () => {
  const { code, out } = await run(["--explain", "select * from customers where email = $1"], {
    DATABASE_URL: database.url,
  });
  expect(code).toBe(0);
  expect(out).toContain("The plan holds estimates only");
  expect(out).not.toContain("100 healthy");
});

test("COLUMNS sets the width where there is no terminal", async () => {
  const args = ["--only", "health"];
  const env = { DATABASE_URL: database.url };
  const widest = async (more: Environment): Promise<number> => {
    const { out } = await run(args, { ...env, ...more });
    return Math.max(
      ...out
        .split("\n")
        .filter((line) => /^─/.test(line))
        .map((line) => line.length),
    );
  };
  expect(await widest({})).toBe(100);
  expect(await widest({ COLUMNS: "72" })).toBe(72);
  expect(await widest({ COLUMNS: "20" })).toBe(60);
});

test("the printed GRANT, when run, opens the rest", async () => {
  const before = await diagnose({ url: shop.monitorUrl, env: {}, only: ["indexes"] });
  expect(before.indexes?.advice.map(({ badge }) => badge)).toContain("unverified");
  expect(before.grants.length).toBeGreaterThan(0);
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  for (const grant of before.grants) await admin.query(grant);
  await admin.end();
  const after = await diagnose({ url: shop.monitorUrl, env: {}, only: ["indexes"] });
  expect(after.grants).toEqual([]);
  expect(after.indexes?.advice.map(({ badge }) => badge)).not.toContain("unverified");
  expect(after.indexes?.advice.length).toBeGreaterThan(0);
});

const exitOf = (command: string): Promise<readonly [number | null, string]> =>
  new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", `set -o pipefail; ${command}`], {
      env: { PATH: process.env["PATH"], NODE: process.execPath, MAIN, DATABASE_URL: database.url },
    });
    let err = "";
    child.stdout.resume();
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve([code, err]));
  });

const DOCTOR = '"$NODE" --conditions=hasten-source "$MAIN" --only health';

test("a reader that leaves early is no fault", async () => {
  expect((await exitOf(`${DOCTOR} | head -c 1`))[0]).toBe(0);
});

test("a full disk is one", async ({ skip }) => {
  if (!existsSync("/dev/full")) skip("this system has no /dev/full");
  const [code, err] = await exitOf(`${DOCTOR} > /dev/full`);
  expect(code).toBe(2);
  expect(err).toContain("could not be written (ENOSPC)");
});
