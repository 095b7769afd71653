import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createDatabase } from "./database.ts";
import { resolveOptions } from "./options.ts";
import { parseUrl } from "./url.ts";

test("the defaults are those of requirement P1", () => {
  const resolved = resolveOptions({});
  expect(resolved.pool).toMatchObject({ min: 5, max: 20, idleMs: 10_000, acquireTimeoutMs: 5_000 });
  expect(resolved).toMatchObject({
    statementTimeoutMs: 30_000,
    keepAliveMs: 10_000,
    healthEveryMs: 30_000,
    applicationName: "hasten",
  });
});

test("a setting out of its bounds is refused by name", () => {
  const bad: [string, object][] = [
    ["pool.max", { pool: { max: 0 } }],
    ["pool.min", { pool: { min: 6, max: 5 } }],
    ["pool.idleMs", { pool: { idleMs: 1 } }],
    ["pool.connectTimeoutMs", { pool: { connectTimeoutMs: 6_000 } }],
    ["statementTimeoutMs", { statementTimeoutMs: 1.5 }],
    ["statementTimeoutMs", { statementTimeoutMs: Number.NaN }],
    ["applicationName", { applicationName: "x".repeat(64) }],
    ["port", { port: 70_000 }],
    ["retry.delayMaxMs", { retry: { delayMs: 100, delayMaxMs: 50 } }],
    ["healthEveryMs", { healthEveryMs: 5 }],
    ["errors", { errors: "all" }],
  ];
  for (const [name, options] of bad)
    expect(() => resolveOptions(options)).toThrow(new RegExp(`${name} .*HST_PG_OPTION`));
});

test("undefined means the default, and parts win over the URL", () => {
  const resolved = resolveOptions({
    url: "postgres://u:p%40ss@h:5433/d?sslmode=require&application_name=app",
    host: "other",
    pool: { max: undefined } as object,
  });
  expect(resolved.target).toEqual({
    host: "other",
    port: 5433,
    database: "d",
    user: "u",
    password: "p@ss",
    ssl: true,
  });
  expect(resolved.applicationName).toBe("app");
  expect(resolved.pool.max).toBe(20);
});

test("a wrong URL is refused without being quoted", () => {
  for (const url of [
    "mysql://u:hunter2@h/d",
    "hunter2",
    "postgres://u:hunter2%zz@h/d",
    "postgres://u:hunter2@h/d?sslmode=maybe",
    "postgres://u:hunter2@h/d?foo=hunter2",
  ]) {
    const error = (() => {
      try {
        return parseUrl(url);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toMatchObject({ code: "HST_PG_OPTION" });
    expect(inspect(error, { depth: 10 })).not.toContain("hunter2");
  }
});

test("the password shows in no error, event, or inspection of a database that cannot be reached", async () => {
  await using db = createDatabase({
    url: "postgres://user:hunter2@127.0.0.1:1/d",
    pool: { min: 0, acquireTimeoutMs: 200 },
    retry: { connectRetries: 1, delayMs: 1 },
    errors: "full",
  });
  const error = await db.query({ text: "select 1" }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "HST_PG_UNAVAILABLE" });
  expect(inspect(error, { depth: 10, showHidden: false })).not.toContain("hunter2");
  expect(inspect(db, { depth: 10 })).not.toContain("hunter2");
  expect(JSON.stringify(db.stats())).not.toContain("hunter2");
  expect(JSON.stringify(await db.health())).not.toContain("hunter2");
});
