import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Config,
  ConfigError,
  envExample,
  helpText,
  loadConfig,
} from "../../src/config/index.ts";
import { startApi, until } from "./api-process.ts";

const SECRETS = { JWT_SECRET: "j".repeat(32), CURSOR_KEYS: `a:${"k".repeat(32)}` };

function configOf(env: Record<string, string>, args: readonly string[] = []): Config {
  const command = loadConfig(env, args);
  if (command.kind !== "start") throw new Error("help was asked for");
  return command.config;
}

function problemsOf(env: Record<string, string>, args: readonly string[] = []): readonly string[] {
  try {
    loadConfig(env, args);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test("without any variable the embedded server and the documented defaults are used", () => {
  const config = configOf({});
  expect(config).toMatchObject({
    port: 3_000,
    storageMode: "local",
    processes: 1,
    databaseUrl: undefined,
  });
  expect(config.pool).toMatchObject({ min: 5, max: 20 });
  expect(config.cache).toMatchObject({
    enabled: true,
    ttlMs: 300_000,
    ttlMaxMs: 3_600_000,
    tiersMs: { short: 60_000, medium: 300_000, long: 1_800_000 },
  });
});

test("a wrong value is told with its name, what was given and what is allowed", () => {
  expect(problemsOf({ PORT: "70000" })).toEqual([
    'PORT: got "70000"; allowed: a whole number from 0 to 65535 (default 3000).',
  ]);
  expect(problemsOf({ STORAGE: "mongo" })[0]).toMatch(
    /^STORAGE: got "mongo"; allowed: local or postgres/,
  );
  expect(problemsOf({ ENABLE_CACHE: "maybe" })[0]).toMatch(
    /^ENABLE_CACHE: got "maybe"; allowed: true or false/,
  );
  expect(problemsOf({ CACHE_TTL: "1e3", CACHE_MAX_SIZE: "-1" })).toHaveLength(2);
  expect(problemsOf({ DB_POOL_MIN: "9", DB_POOL_MAX: "3" })).toEqual([
    'DB_POOL_MIN: got "9"; allowed: at most DB_POOL_MAX (3).',
  ]);
  expect(problemsOf({}, ["--proceses", "2"])[0]).toContain("--proceses");
});

test("a secret is never shown, not even a wrong one", () => {
  const problems = problemsOf({
    DATABASE_URL: "mysql://root:hunter2@host/db",
    JWT_SECRET: "hunter2",
  }).join("\n");
  expect(problems).toContain("DATABASE_URL");
  expect(problems).toContain("JWT_SECRET");
  expect(problems).not.toContain("hunter2");
});

test("a server of one's own needs secrets of one's own", () => {
  expect(problemsOf({ DATABASE_URL: "postgres://h/db" })).toEqual([
    expect.stringMatching(/^JWT_SECRET: not set; required with DATABASE_URL/),
    expect.stringMatching(/^CURSOR_KEYS: not set; required with DATABASE_URL/),
  ]);
  expect(configOf({ DATABASE_URL: "postgres://h/db", ...SECRETS })).toMatchObject({
    storageMode: "postgres",
    cursorKeys: [{ id: "a", secret: "k".repeat(32) }],
  });
  expect(problemsOf({ STORAGE: "postgres" })[0]).toContain("DATABASE_URL");
});

test("the server can be given in parts, and other names of a setting count", () => {
  const config = configOf({
    DB_HOST: "db",
    DB_USER: "me@x",
    DB_PASSWORD: "p:w",
    DB_NAME: "m",
    ...SECRETS,
    POOL_MAX_CONNECTIONS: "7",
    CACHE_DEFAULT_TTL: "10",
  });
  expect(config.databaseUrl).toBe("postgres://me%40x:p%3Aw@db:5432/m");
  expect(config.pool.max).toBe(7);
  expect(config.cache.ttlMs).toBe(10_000);
  expect(problemsOf({ DB_POOL_MAX: "7", POOL_MAX_CONNECTIONS: "8" })[0]).toContain(
    "are one setting",
  );
});

test("a default gives way to a setting that leaves no room for it", () => {
  expect(configOf({ DB_POOL_MAX: "2" }).pool).toMatchObject({ min: 2, max: 2 });
  expect(configOf({ CACHE_MAX_TTL: "60" }).cache.ttlMs).toBe(60_000);
});

test("how soon writes are seen has bounds, and a heartbeat that fits into it", () => {
  expect(configOf({}).coherence).toEqual({ boundMs: 500, heartbeatMs: undefined, setup: true });
  expect(configOf({ COHERENCE_BOUND_MS: "50", COHERENCE_SETUP: "no" }).coherence).toMatchObject({
    boundMs: 50,
    setup: false,
  });
  expect(problemsOf({ COHERENCE_BOUND_MS: "49" })[0]).toMatch(/^COHERENCE_BOUND_MS: got "49"/);
  expect(problemsOf({ COHERENCE_BOUND_MS: "100", COHERENCE_HEARTBEAT_MS: "101" })).toEqual([
    'COHERENCE_HEARTBEAT_MS: got "101"; allowed: at most COHERENCE_BOUND_MS (100).',
  ]);
  expect(problemsOf({ DATABASE_DIRECT_URL: "postgres://h/db" })[0]).toContain("DATABASE_URL");
});

test(".env.example is what the table of settings says", () => {
  const file = new URL("../../.env.example", import.meta.url);
  expect(readFileSync(file, "utf8")).toBe(envExample());
});

test("help names every variable of .env.example", () => {
  const names = [...envExample().matchAll(/^# ([A-Z_]+)=/gm)].map((it) => it[1]!);
  expect(names.length).toBeGreaterThan(25);
  for (const name of names) expect(helpText()).toContain(`  ${name} `);
});

test("a wrong value stops the start with exit code 2", async () => {
  const api = startApi({ PORT: "http" });
  await api.printed(/PORT: got "http"; allowed/);
  expect(await until(() => api.child.exitCode === 2)).toBe(true);
});
