/** A table that is published while a transaction that changed it before still runs. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Publishing } from "../../src/postgres/catalog/publishing.ts";
import {
  createStatements,
  type Statements,
} from "../../src/postgres/statements/create-statements.ts";

let url: string;
let client: pg.Client;
let drop: () => Promise<void>;
let statements: Statements;
const session = { searchPath: "public", role: "" };

beforeAll(async () => {
  const database = await freshDatabase();
  drop = () => database.drop();
  url = database.url;
  client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create table old (id int primary key); create table young (id int primary key);
    insert into young values (1); create publication picked for table old`);
  session.role = (await client.query("select current_user as role")).rows[0].role;
  statements = createStatements({
    run: async (text, values) => (await client.query(text, values as unknown[])).rows,
    database: "db",
    coverage: { kind: "publication", name: "picked" },
  });
});
afterAll(async () => {
  await client.end();
  await drop();
});

async function kept(table: string): Promise<true | { because: string; passing?: boolean }> {
  const analysis = await statements.analyzer.analyse(`select * from ${table}`, session);
  if (analysis.kind === "read") return true;
  if (analysis.kind !== "opaque") throw new Error(analysis.kind);
  const { because, passing = false } = analysis;
  return { because, passing };
}

test("is not kept until that transaction has ended: its change is never told", async () => {
  const writer = new pg.Client({ connectionString: url });
  await writer.connect();
  await statements.poll();
  expect(await kept("old")).toBe(true);
  expect(await kept("young")).toMatchObject({ because: expect.stringContaining("not published") });
  await statements.poll();
  await writer.query("begin; update young set id = 2");
  await client.query("alter publication picked add table young");
  expect(await statements.poll()).toContain("sql:db:public.young");
  const refused = { because: expect.stringContaining("before it was published"), passing: true };
  expect(await kept("young")).toMatchObject(refused);
  expect(await kept("old")).toBe(true);
  await statements.poll();
  expect(await kept("young")).toMatchObject(refused);
  await writer.query("commit");
  await writer.end();
  expect(await kept("young")).toMatchObject(refused);
  // Other tests' transactions on this server, in whatever database, may be as old as that one.
  await vi.waitFor(
    async () => {
      await statements.poll();
      expect(await kept("young")).toBe(true);
    },
    { timeout: 20_000, interval: 50 },
  );
  expect(await statements.poll()).toEqual([]);
});

test("two changes of the publication wait for the transactions beside both, across a wrap", () => {
  const publishing = new Publishing();
  expect(publishing.saw("a", { before: undefined, next: "10" })).toBe(false);
  expect(publishing.after).toBeUndefined();
  expect(publishing.saw("b", { before: "4294967290", next: "4294967295" })).toBe(true);
  expect(publishing.saw("b", { before: "4294967291", next: "3" })).toBe(false);
  expect(publishing.saw("c", { before: "4294967292", next: "5" })).toBe(true);
  expect(publishing.after).toBe("4294967290");
  expect(publishing.settles("4294967295")).toBe(false);
  expect(publishing.settles("4")).toBe(false);
  expect(publishing.settles("5")).toBe(true);
  expect(publishing.after).toBeUndefined();
  expect(publishing.settles("6")).toBe(false);
});
