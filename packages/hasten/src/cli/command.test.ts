import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "./command.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("create table orders (id int primary key); create table bare (n int)");
  await client.end();
});
afterAll(() => database.drop());

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const texts = { out: "", err: "" };
  const code = await runCommand(args, env, {
    out: (text) => {
      texts.out += text;
    },
    err: (text) => {
      texts.err += text;
    },
  });
  return { code, ...texts };
}

test.each([
  { args: [], code: 2, out: "hasten preflight <url>", err: "" },
  { args: ["--help"], code: 0, out: "Exit code", err: "" },
  { args: ["preflight"], code: 2, out: "", err: "DATABASE_URL" },
  { args: ["preflight", "mysql://x"], code: 2, out: "", err: "url must be postgres://" },
  { args: ["postgres://u:secret@h/x"], code: 2, out: "", err: "name a command before the URL" },
  { args: ["preflight", "postgres://u:se#secret@h/x"], code: 2, out: "", err: "percent-encoded" },
  { args: ["preflight", "--dry-run", "x"], code: 2, out: "", err: "options of setup" },
  { args: ["preflight", "a", "b"], code: 2, out: "", err: "one URL" },
  { args: ["preflite", "x"], code: 2, out: "", err: "no command" },
  { args: ["preflight", "--nope"], code: 2, out: "", err: "--nope" },
  { args: ["setup", "postgres://u:secret@127.0.0.1:1/x"], code: 3, out: "", err: "ECONNREFUSED" },
  {
    args: ["preflight", "postgres://u:secret@127.0.0.1:1/x"],
    code: 1,
    out: "unreachable",
    err: "",
  },
])("hasten $args ends with $code", async ({ args, code, out, err }) => {
  const ended = await run(args);
  expect(ended.code).toBe(code);
  expect(ended.out).toContain(out);
  expect(ended.err).toContain(err);
  expect(ended.out + ended.err).not.toContain("secret");
});

test("preflight, a dry run, setup, preflight again", async () => {
  const env = { DATABASE_URL: database.url };
  const before = await run(["preflight"], env);
  expect(before.code).toBe(1);
  expect(before.out).toContain('CREATE PUBLICATION "hasten" FOR TABLE ONLY "public"."orders";');

  const dry = await run(["setup", "--dry-run"], env);
  expect(dry.out).toContain("CREATE PUBLICATION");
  expect((await run(["preflight"], env)).code).toBe(1);

  const set = (await run(["setup"], env)).out;
  expect(set).toMatch(/^created the publication with 1 table\nhasten can promise here: stream/);
  expect(set).toContain("npx hasten preflight"); // bare has no replica identity
  expect((await run(["setup", database.url])).out).toContain("Nothing to change");
  expect((await run(["setup", "--dry-run"], env)).out).toBe("-- nothing to do\n");

  const after = await run(["preflight", "--json"], env);
  expect(after.code).toBe(0);
  const { promise, findings } = JSON.parse(after.out) as {
    promise: string;
    findings: { id: string }[];
  };
  expect(promise).toBe("stream");
  expect(findings.map(({ id }) => id)).toContain("identity-missing");
  const password = new URL(database.url).password;
  expect(before.out + dry.out + after.out).not.toContain(password);
});

test("a role that owns no table makes nothing, and is told who can", async () => {
  await using other = await freshDatabase();
  const client = new pg.Client({ connectionString: other.url });
  await client.connect();
  const role = `guest_${process.pid}_${Math.trunc(performance.now())}`;
  await client.query("create table orders (id int primary key)");
  await client.query(`create role ${role} login password 'guestword'`);
  try {
    const url = new URL(other.url);
    url.username = role;
    url.password = "guestword";
    const refused = await run(["setup", "--triggers", url.href]);
    expect(refused).toMatchObject({ code: 3, out: "" });
    expect(refused.err).toContain("--dry-run prints the SQL");
    await client.query(`grant create on database "${url.pathname.slice(1)}" to ${role}`);
    const nothing = await run(["setup", url.href]);
    expect(nothing.out).toContain("belongs to another role");
    const { rows } = await client.query("select from pg_publication");
    expect(rows).toHaveLength(0);
    url.password = "wrongword";
    const turnedAway = await run(["preflight", "--json", url.href]);
    expect(turnedAway.out).toContain("28P01, invalid_password");
    expect(turnedAway.out).toContain("Check user and password");
    expect(JSON.parse(turnedAway.out)).toMatchObject({ promise: null, processes: null });
    expect(JSON.stringify([refused, nothing, turnedAway])).not.toMatch(/guestword|wrongword/);
  } finally {
    await client.query(`drop owned by ${role}; drop role ${role}`);
    await client.end();
  }
});

test("the program itself", async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const args = ["--conditions=hasten-source", main, "preflight", database.url];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("hasten can promise here: stream");
});
