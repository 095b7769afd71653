import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { migrate } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { verifyPassword } from "../../src/api/auth/password.ts";
import { MIGRATIONS } from "../../src/lifecycle/prepare.ts";
import { dataDirectory } from "./api-process.ts";

const PROGRAM = fileURLToPath(new URL("../../src/user-add.ts", import.meta.url));

interface Ended {
  readonly code: number;
  readonly out: string;
}

function userAdd(env: Record<string, string>, args: readonly string[], input = ""): Promise<Ended> {
  const { PATH = "" } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--conditions=hasten-source", PROGRAM, ...args],
      { env: { PATH, ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), out: stdout + stderr }),
    );
    child.stdin?.end(input);
  });
}

test("an account is added with the password given, or with one that is made and shown", async () => {
  await using database = await freshDatabase();
  using data = dataDirectory();
  await migrate({ url: database.url, directory: MIGRATIONS });
  const env = {
    DATABASE_URL: database.url,
    DATA_DIR: data.path,
    JWT_SECRET: "j".repeat(32),
    CURSOR_KEYS: `a:${"k".repeat(32)}`,
  };
  const [given, made, short, wrong] = await Promise.all([
    userAdd(env, ["Ann@Example.com", "admin"], "correct horse battery\n"),
    userAdd(env, ["bob@example.com", "viewer"]),
    userAdd(env, ["eve@example.com", "viewer"], "short\n"),
    userAdd(env, ["eve@example.com", "root"]),
  ]);
  expect(given).toEqual({ code: 0, out: "ann@example.com is added as admin.\n" });
  expect(short).toMatchObject({ code: 1, out: expect.stringContaining("10 to 200") });
  expect(wrong).toMatchObject({ code: 1, out: expect.stringContaining("viewer, editor, admin") });
  expect(await userAdd(env, ["ann@example.com", "viewer"])).toMatchObject({
    code: 1,
    out: expect.stringContaining("exists already"),
  });

  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{
    email: string;
    role: string;
    demo: boolean;
    password_hash: string;
  }>(
    "select email, role, demo, password_hash from users join user_credentials on user_id = id order by email",
  );
  await client.end();
  expect(rows).toMatchObject([
    { email: "ann@example.com", role: "admin", demo: false },
    { email: "bob@example.com", role: "viewer", demo: false },
  ]);
  const password = made.out.match(/Password: (\S+)/)?.[1] ?? "";
  expect(await verifyPassword("correct horse battery", rows[0]?.password_hash)).toBe(true);
  expect(await verifyPassword(password, rows[1]?.password_hash)).toBe(true);
});
