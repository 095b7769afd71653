import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { migrate } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { INDEXES } from "../src/indexes.ts";
import { makeIndexes } from "../src/make-indexes.ts";

const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const TABLES = 10;
const INDEXES_MIN = 40;

async function rowsOf<T>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as T[];
  } finally {
    await client.end();
  }
}

/** The platform's own indexes: not those of constraints. */
const OWN = `
  select c.relname as name, pg_get_indexdef(i.indexrelid) as definition, i.indisvalid as valid,
    t.relname as table
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  where t.relnamespace = 'public'::regnamespace and not t.relname like '%migration%'
    and not exists (select from pg_constraint k where k.conindid = i.indexrelid)`;

interface Own {
  readonly name: string;
  readonly definition: string;
  readonly valid: boolean;
  readonly table: string;
}

test("forty indexes and more over ten tables, made once and found there afterwards", async () => {
  await using database = await freshDatabase();
  await migrate({ url: database.url, directory: MIGRATIONS });
  const first = await makeIndexes({ url: database.url });
  const made = await rowsOf<Own>(database.url, OWN);
  expect(first.every((one) => one.kind === "created")).toBe(true);
  expect(made.length).toBe(INDEXES.length);
  expect(made.length).toBeGreaterThanOrEqual(INDEXES_MIN);
  expect(made.every((one) => one.valid)).toBe(true);
  expect(new Set(made.map((one) => one.table)).size).toBe(TABLES);
  const definitions = made.map((one) => one.definition);
  expect(definitions.some((text) => / WHERE /.test(text))).toBe(true);
  expect(definitions.some((text) => /USING gin \(to_tsvector/.test(text))).toBe(true);
  expect(definitions.some((text) => /INCLUDE \(/.test(text))).toBe(true);
  expect(definitions.some((text) => /UNIQUE INDEX .*lower\(email\)/.test(text))).toBe(true);

  const second = await makeIndexes({ url: database.url });
  expect(second.map((one) => one.kind)).toEqual(INDEXES.map(() => "exists"));
  expect(await rowsOf<Own>(database.url, OWN)).toEqual(made);
});

test("the command makes tables and indexes, says which, and exits non-zero where it cannot", async () => {
  await using database = await freshDatabase();
  const done = await run(["--migrate"], { DATABASE_URL: database.url });
  expect(done).toMatchObject({ code: 0 });
  expect(done.output).toContain(`${INDEXES.length}/${INDEXES.length}  created`);

  await rowsOf(database.url, "drop table notifications");
  const failed = await run([], { DATABASE_URL: database.url });
  expect(failed.code).toBe(1);
  expect(failed.output).toMatch(/notifications|HST_PG_INDEX/);
  expect((await run([], { DATABASE_URL: undefined })).code).toBe(2);
});

function run(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number | null; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; output: string }>();
  const child = spawn(process.execPath, ["--conditions=hasten-source", MAIN, ...args], {
    env: { ...process.env, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  child.once("close", (code) => resolve({ code, output }));
  return promise;
}
