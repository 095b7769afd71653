import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { broadTag, rowTag, tableTag } from "../../src/core/sql-tag.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { carriage } from "../../src/postgres/watch/carry.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { type Library, libraries, SCHEMA } from "./libraries.ts";
import { recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";

const REQUESTS = 200;
let db: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  db = await freshDatabase();
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  await client.query(SCHEMA);
  await client.end();
});
afterAll(() => db.drop());
afterEach(() => {
  carriage.atPublicCall = true;
});

/** How many requests' dependencies are not exactly what they read. */
async function misattributed(library: Library, late: boolean): Promise<number> {
  const source = recordingSource();
  const analyzer = smallAnalyzer(db.name, { late });
  const watch = createWatch({ analyzer: () => analyzer, source: () => source });
  const items = library.open(db.url, { max: 2, watch: watch.watch });
  // Sequelize asks the catalog on its first connection.
  await Promise.all([items.byId(1), items.twice(1)]);
  const table = tableTag({ database: db.name, schema: "public", table: "items" });
  const request = async (index: number): Promise<boolean> => {
    const trace = new Trace();
    const ids = [index * 2 + 1, index * 2 + 2];
    await inTrace(trace, async () => {
      const row = await items.byId(ids[0]!);
      expect(row?.id).toBe(ids[0]);
      await Promise.all(ids.map((id) => items.byId(id)));
      await items.twice(ids[1]!);
    });
    await trace.settled();
    const { tags, untracked } = trace.dependency();
    const expected = [broadTag(table), ...ids.map((id) => rowTag(table, "id", String(id)))];
    const own = untracked.filter((cause) => cause !== "a function");
    return own.length === 0 && [...tags].sort().join() === expected.sort().join();
  };
  const right = await Promise.all(Array.from({ length: REQUESTS }, (_, index) => request(index)));
  await items.close();
  watch.close();
  return right.filter((is) => !is).length;
}

describe.each(libraries)("$name", (library) => {
  it.each([false, true])("200 requests on 2 connections, understood late: %s", async (late) => {
    expect(await misattributed(library, late)).toBe(0);
  });
});

it("asking for the context inside the queue attributes to others", async () => {
  carriage.atPublicCall = false;
  const wrong = await misattributed(libraries[0]!, false);
  expect(wrong).toBeGreaterThan(0);
  carriage.atPublicCall = false;
  expect(await misattributed(libraries[1]!, false)).toBeGreaterThan(0);
});
