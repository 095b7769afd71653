import { readFile } from "node:fs/promises";
import { createDatabase, sql } from "hasten/postgres";
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { expect, inject, test } from "vitest";

const PAGE = new URL("../../../../docs/pgbouncer.md", import.meta.url);
/** Of the machine that it is for. */
const PLACES = new Set(["listen_addr", "listen_port", "auth_file", "admin_users", "stats_users"]);

test("the pgbouncer.ini of the documentation is taken as it stands, and hasten works behind it", async () => {
  const [, ini] = /```ini\n([\s\S]+?)```/.exec(await readFile(PAGE, "utf8"))!;
  const section = ini!.slice(ini!.indexOf("[pgbouncer]"));
  const settings = Object.fromEntries(
    [...section.matchAll(/^(\w+) = (.+)$/gm)]
      .map(([, name, value]) => [name!, value!] as const)
      .filter(([name]) => !PLACES.has(name)),
  );
  expect(Object.keys(settings).length).toBeGreaterThan(4);
  await using bouncer = await startPgBouncer({ to: inject("postgresUrl"), settings });
  const config = await bouncer.admin("SHOW CONFIG");
  for (const [name, value] of Object.entries(settings))
    expect([name, config.find(({ key }) => key === name)?.["value"]]).toEqual([name, value]);
  await using db = createDatabase({ url: bouncer.url, healthEveryMs: 0 });
  expect(await db.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
  expect(db.stats().pooler.kind).toBe("transaction");
});
