import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { diagnose } from "../../src/diagnose.ts";
import type { Report } from "../../src/report/types.ts";

const ROLLBACKS = 2_000;
const ID = "health/rollbacks";

async function rollbacks(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    "select xact_rollback::int as n from pg_stat_database where datname = current_database()",
  );
  return rows[0]?.n ?? 0;
}

/** Until the server's counters have them. */
async function rollBack(url: string, client: pg.Client): Promise<void> {
  const least = (await rollbacks(client)) + ROLLBACKS;
  const one = new pg.Client({ connectionString: url });
  await one.connect();
  await one.query("begin; rollback; ".repeat(ROLLBACKS));
  await one.end();
  await expect.poll(() => rollbacks(client), { timeout: 20_000 }).toBeGreaterThanOrEqual(least);
}

test("health since a saved run: the delta, an older file without counters, counters that were reset", {
  timeout: 120_000,
}, async () => {
  const database = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), "hasten-doctor-since-"));
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    await client.query("create extension pg_stat_statements");
    const run = (more: object): Promise<Report> =>
      diagnose({ url: database.url, env: {}, only: ["health"], ...more });
    const found = (report: Report) => report.findings.find(({ id }) => id === ID);
    const notes = (report: Report) => report.workload.notes.join();
    const [first, second, old] = ["first", "second", "old"].map((name) => join(folder, name));
    if (first === undefined || second === undefined || old === undefined) throw new Error("paths");

    await run({ save: first });
    await rollBack(database.url, client);
    const during = await run({ since: first, save: second });
    expect(found(during)?.evidence[0]).toEqual({
      label: "Rolled back",
      value: expect.closeTo(ROLLBACKS, -2),
      unit: "count",
    });
    expect(found(during)?.evidence.map(({ label }) => label)).toContain("Within");
    expect(notes(during)).not.toContain("reset");
    // The totals would tell of them still.
    expect(found(await run({}))).toBeDefined();
    expect(found(await run({ since: second }))).toBeUndefined();

    const { health: _, ...rest } = JSON.parse(await readFile(first, "utf8"));
    await writeFile(old, JSON.stringify({ ...rest, format: "hasten-doctor/snapshot/1" }));
    expect(notes(await run({ since: old }))).toContain("tells nothing of the database as a whole");

    await client.query("select pg_stat_reset()");
    const after = await run({ since: second });
    expect(notes(after)).toContain("were reset since the snapshot");
    expect(found(after)).toBeUndefined();
  } finally {
    await client.end();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
});
