import { existsSync } from "node:fs";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainQuery } from "../../src/guard/explain.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import type { Target } from "../../src/target/types.ts";
import { hostile } from "./hostile.ts";
import { LEGITIMATE } from "./legitimate.ts";
import { CANARY, connected, FINGERPRINT, SCENE, SESSION_MARK } from "./scene.ts";

let db: TestDatabase;
let admin: pg.Client;
let victim: pg.Client;
let victimPid = 0;
let role = "";
let roleUrl = "";

beforeAll(async () => {
  db = await freshDatabase();
  admin = await connected(db.url);
  await admin.query(SCENE);
  role = `guard_${db.name}`;
  await admin.query(`create role ${role} login password 'p' in role pg_monitor, pg_read_all_data`);
  const url = new URL(db.url);
  url.username = role;
  url.password = "p";
  roleUrl = url.href;
  victim = await connected(roleUrl);
  await victim.query("listen canary");
  const { rows } = await victim.query("select pg_backend_pid() as pid");
  victimPid = rows[0].pid;
});

afterAll(async () => {
  await victim?.end();
  if (role !== "") await admin.query(`drop role ${role}`);
  await admin.end();
  await db.drop();
});

const mark = async (): Promise<string> => JSON.stringify((await admin.query(FINGERPRINT)).rows);
const sessionMark = async (target: Target): Promise<string> =>
  JSON.stringify(await target.rows(SESSION_MARK));

describe.each(["superuser", "role"])("as a %s", (who) => {
  const open = () => openTarget(connectionFrom(who === "role" ? roleUrl : db.url, {}));

  test("nothing hostile changes a row, a sequence, a setting or a session, or tells data", async () => {
    await using target = await open();
    const statements = hostile(victimPid, db.url);
    expect(statements.length).toBeGreaterThan(150);
    let told = 0;
    victim.on("notification", () => {
      told += 1;
    });
    const before = await mark();
    const sessionBefore = await sessionMark(target);
    const passed: string[] = [];
    for (const text of statements) {
      const result = await explainQuery(target, text, { analyze: true });
      if (result.kind === "planned") passed.push(text.slice(0, 200));
      expect(JSON.stringify(result), text.slice(0, 200)).not.toContain(CANARY);
      expect(await mark(), text.slice(0, 200)).toBe(before);
    }
    expect(passed).toEqual([]);
    expect(await sessionMark(target)).toBe(sessionBefore);
    expect(await victim.query("select 1")).toMatchObject({ rowCount: 1 });
    expect(told).toBe(0);
    expect(existsSync("/tmp/hasten-guard-canary")).toBe(false);
  }, 120_000);

  test("what people explain passes, and shows what was run", async () => {
    await using target = await open();
    expect(LEGITIMATE.length).toBeGreaterThan(60);
    const before = await mark();
    const refused: string[] = [];
    for (const text of LEGITIMATE) {
      const result = await explainQuery(target, text, { analyze: true });
      if (result.kind === "refused") refused.push(`${text}: ${result.because}`);
      else {
        expect(JSON.stringify(result.plan), text).toContain('"Actual Rows"');
        expect(JSON.stringify(result.plan), text).not.toContain(CANARY);
      }
    }
    expect(refused).toEqual([]);
    expect(await mark()).toBe(before);
  }, 60_000);
});
