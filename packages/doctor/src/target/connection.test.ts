import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, expect, test } from "vitest";
import { connectionFrom } from "./connection.ts";
import { passwordIn } from "./password-file.ts";
import { attemptsOf } from "./tls.ts";

const home = mkdtempSync(join(tmpdir(), "hasten-doctor-test-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const env = { HOME: home };
const of = (url: string | undefined, more: Record<string, string> = {}) => {
  const { password, ...rest } = connectionFrom(url, { ...env, ...more });
  return { ...rest, password: password() };
};

test("a URL, its escapes and its parameters", () => {
  expect(of("postgres://a%40b:p%3Aw%2F@db.example:6543/my%20db")).toMatchObject({
    host: "db.example",
    port: 6543,
    user: "a@b",
    password: "p:w/",
    database: "my db",
  });
  expect(of("postgresql://u@[::1]/d")).toMatchObject({ host: "::1", port: 5432 });
  expect(of("postgres:///d?host=/var/run/postgresql&user=u")).toMatchObject({
    host: "/var/run/postgresql",
    user: "u",
  });
  expect(of("postgres://u:a+b@h/d?application_name=x&connect_timeout=3")).toMatchObject({
    password: "a+b",
    connectTimeoutMs: 3_000,
  });
});

test("DATABASE_URL and PG* fill what is left open, the URL wins", () => {
  const more = { PGHOST: "h", PGPORT: "7", PGUSER: "u", PGPASSWORD: "p", PGDATABASE: "d" };
  expect(of(undefined, more)).toMatchObject({
    host: "h",
    port: 7,
    user: "u",
    password: "p",
    database: "d",
  });
  expect(of(undefined, { ...more, DATABASE_URL: "postgres://x@y/z" })).toMatchObject({
    host: "y",
    port: 7,
    user: "x",
    database: "z",
  });
  expect(of("postgres://v@w", { ...more, DATABASE_URL: "postgres://x@y/z" })).toMatchObject({
    host: "w",
    user: "v",
    database: "d",
  });
});

test("what is no URL is refused without being repeated", () => {
  for (const url of [
    "mysql://u:hunter2@h/d",
    "u:hunter2@h",
    "postgres://u:hunter2%zz@h/d",
    "postgres://u:hunter2@h1,h2/d",
    "postgres://u:hunter2@h:99999/d",
    "postgres://u:hunter2@h/d?evil=1",
    "postgres://u:hunter2@h/d?sslmode=maybe",
  ]) {
    const error = (() => {
      try {
        return connectionFrom(url, env) && undefined;
      } catch (cause) {
        return cause;
      }
    })();
    expect(error).toMatchObject({ code: "HST_DOCTOR_OPTION" });
    expect(inspect(error)).not.toContain("hunter2");
  }
});

test("no inspection of the connection shows the password", () => {
  const spec = connectionFrom("postgres://u:hunter2@h/d", env);
  expect(inspect(spec, { depth: 9 }) + JSON.stringify(spec)).not.toContain("hunter2");
});

test("the password file: first fit, wildcards, escapes", () => {
  const text = [
    "# comment:*:*:*:no",
    "other:5432:d:u:no",
    "h:5432:d:u",
    "h:5432:we\\:ird:u:p\\:a\\\\b",
    "*:*:*:u:any",
    "h:*:d:v:v-first",
    "*:*:*:*:last\r",
  ].join("\n");
  const at = (database: string, user: string, host = "h") =>
    passwordIn(text, { host, port: 5432, database, user });
  expect(at("we:ird", "u")).toBe("p:a\\b");
  expect(at("d", "u")).toBe("any");
  expect(at("d", "v")).toBe("v-first");
  expect(at("d", "w", "elsewhere")).toBe("last");
  expect(passwordIn("h:1:d:u:p:q", { host: "h", port: 1, database: "d", user: "u" })).toBe("p");
  expect(
    passwordIn("h:1:\\*:u:p", { host: "h", port: 1, database: "d", user: "u" }),
  ).toBeUndefined();
  expect(passwordIn("h:1::u:p", { host: "h", port: 1, database: "d", user: "u" })).toBeUndefined();
});

test("the password file is used only when nobody else can read it", () => {
  const path = join(home, ".pgpass");
  writeFileSync(path, "h:*:*:*:from-file\nlocalhost:*:*:*:by-socket\n", { mode: 0o600 });
  chmodSync(path, 0o600);
  expect(of("postgres://u@h/d")).toMatchObject({ password: "from-file", notes: [] });
  expect(of("postgres://u@/d?host=/tmp").password).toBe("by-socket");
  expect(of("postgres://u@h/d", { PGPASSWORD: "x" }).password).toBe("x");
  expect(of("postgres://u@h/d", { PGPASSFILE: join(home, "none") }).password).toBeUndefined();
  chmodSync(path, 0o644);
  const open = of("postgres://u@h/d");
  expect(open.password).toBeUndefined();
  expect(open.notes.join()).toContain("chmod 0600");
  rmSync(path);
});

test("sslmode means what libpq means", () => {
  const attempts = (mode: string, more = "") =>
    attemptsOf(connectionFrom(`postgres://u@h/d?sslmode=${mode}${more}`, env).tls);
  expect(attempts("disable")).toEqual([false]);
  expect(attempts("prefer")).toEqual([{ rejectUnauthorized: false }, false]);
  expect(attempts("allow")).toEqual([false, { rejectUnauthorized: false }]);
  expect(attempts("require")).toEqual([{ rejectUnauthorized: false }]);
  expect(attempts("verify-full", "&sslrootcert=system")).toEqual([{ rejectUnauthorized: true }]);
  const root = join(home, "root.pem");
  writeFileSync(root, "certificate");
  expect(attempts("require", `&sslrootcert=${root}`)).toMatchObject([
    { rejectUnauthorized: true, ca: "certificate" },
  ]);
  expect(() => attempts("verify-full")).toThrow(/root certificate/);
  expect(() => attempts("verify-ca", `&sslrootcert=${home}/none`)).toThrow(/cannot be read/);
});
