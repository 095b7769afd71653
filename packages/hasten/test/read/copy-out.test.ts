import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, sql } from "../../src/postgres/index.ts";
import { inlined, literal } from "../../src/postgres/read/literal.ts";

let target: TestDatabase;
let db: Database;
let watcher: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 3 }, applicationName: "copying" });
  watcher = createDatabase({ url: target.url, pool: { min: 0, max: 2 } });
  await db.execute(sql`
    create table line as select n as id, 'a "b", ' || n as name,
      case when n % 2 = 0 then n::text end as even from generate_series(1, 20000) as n`);
});
afterAll(async () => {
  await db?.drain();
  await watcher?.drain();
  await target?.drop();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const failure = (
  promise: Promise<unknown>,
): Promise<Error & { code?: string; sqlstate?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const got: Buffer[] = [];
  for await (const chunk of chunks) got.push(chunk);
  return Buffer.concat(got);
}
const textOf = async (chunks: AsyncIterable<Buffer>): Promise<string> =>
  (await bytesOf(chunks)).toString();
async function clean(): Promise<void> {
  for (let left = 100; db.stats().pool.active > 0 && left > 0; left--) await pause(20);
  expect(db.stats().pool.active).toBe(0);
  const busy = await watcher.query(sql`
    select state from pg_stat_activity where application_name = 'copying' and state <> 'idle'`);
  expect(busy).toEqual([]);
}

describe("copyOut", () => {
  test("a table as text: every row, counted, and the connection stays", async () => {
    const out = db.copyOut("line");
    const lines = (await textOf(out)).trimEnd().split("\n");
    expect(lines).toHaveLength(20_000);
    expect(lines[1]).toBe('2\ta "b", 2\t2');
    expect(lines[2]).toBe('3\ta "b", 3\t\\N');
    expect(out.rowCount).toBe(20_000);
    await clean();
    expect(db.stats().pool.idle).toBe(1);
  });

  test("csv of some columns with its options; binary; a statement; nothing", async () => {
    const csv = db.copyOut(["public", "line"], {
      format: "csv",
      header: true,
      columns: ["id", "even", "name"],
      delimiter: ";",
      null: "nil",
      quote: "'",
      forceQuote: ["id"],
    });
    const lines = (await textOf(csv)).split("\n");
    expect(lines.slice(0, 3)).toEqual(["id;even;name", `'1';nil;a "b", 1`, `'2';2;a "b", 2`]);
    const binary = await bytesOf(db.copyOut("line", { format: "binary" }));
    expect(binary.subarray(0, 11).toString("latin1")).toBe("PGCOPY\n\xff\r\n\0");
    expect(await textOf(db.copyOut(sql`select 1, 'x' -- a comment`))).toBe("1\tx\n");
    const none = db.copyOut(sql`select from line where false`);
    expect(await textOf(none)).toBe("");
    expect(none.rowCount).toBe(0);
    await clean();
  });

  test("values of a statement stand in it as literals and mean what a parameter means", async () => {
    const out = db.copyOut(
      sql`select name from line where id = any(${[3, 4]}) and name <> ${"x'); drop table line; --"}`,
    );
    expect(await textOf(out)).toBe('a "b", 3\na "b", 4\n');
    expect(await failure(bytesOf(db.copyOut({ text: "select $1", values: [] })))).toMatchObject({
      code: "HST_PG_STATEMENT",
    });
    expect(() => db.copyOut({ text: "select $1", values: [1] })).toThrow(
      expect.objectContaining({ code: "HST_PG_SQL" }),
    );
    await clean();
  });

  test("a text that ends the statement and begins another is refused by the server", async () => {
    const error = await failure(
      bytesOf(db.copyOut({ text: "select 1) to stdout; drop table line; copy (select 1" })),
    );
    expect(error).toMatchObject({ code: "HST_PG_MULTIPLE_STATEMENTS" });
    expect(await textOf(db.copyOut(sql`select count(*) from line`))).toBe("20000\n");
  });

  test("a slow consumer makes the server wait; chunks are of 64 KiB", async () => {
    const rows = 300_000;
    const out = db.copyOut(sql`select repeat('x', 99) from generate_series(1, ${rows}::int)`);
    let [chunks, most, bytes] = [0, 0, 0];
    await pipeline(
      out,
      new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _encoding, told) {
          chunks += 1;
          bytes += chunk.length;
          most = Math.max(most, out.bytesRead - bytes);
          setTimeout(told, 1);
        },
      }),
    );
    expect(bytes).toBe(rows * 100);
    expect(out.rowCount).toBe(rows);
    expect(bytes / chunks).toBeGreaterThan(60_000);
    // Two of its chunks, what the parser had in hand, and the Readable's own.
    expect(most).toBeLessThan(1_000_000);
    await clean();
  });

  test("break, destroy, abort and a failing destination end it, 60 times in the middle", async () => {
    const big = sql`select repeat('x', 999) from generate_series(1, 200000)`;
    for (let round = 0; round < 20; round++) {
      for await (const chunk of db.copyOut(big)) if (chunk) break;
      const abort = new AbortController();
      const aborting = db.copyOut(big, { signal: abort.signal });
      aborting.once("data", () => abort.abort());
      expect(await failure(bytesOf(aborting))).toMatchObject({ code: "HST_PG_ABORTED" });
      const failing = new Writable({ write: (_c, _e, told) => told(new Error("disk full")) });
      await expect(pipeline(db.copyOut(big), failing)).rejects.toThrow("disk full");
    }
    await clean();
  });

  test("an error in the middle, a refused statement, a lost connection, a snapshot held too long", async () => {
    const middle = db.copyOut(sql`select 1 / (50000 - n) from generate_series(1, 60000) as n`);
    expect(await failure(bytesOf(middle))).toMatchObject({ sqlstate: "22012" });
    expect(await failure(bytesOf(db.copyOut("nothing")))).toMatchObject({ sqlstate: "42P01" });
    await clean();
    const big = sql`select repeat('x', 999) from generate_series(1, 2000000)`;
    const lost = db.copyOut(big);
    lost.once("data", () => {
      void watcher.query(sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'copying' and state = 'active'`);
    });
    expect(await failure(bytesOf(lost))).toMatchObject({ code: "HST_PG_UNAVAILABLE" });
    const held = db.copyOut(big, { snapshotMaxMs: 200 });
    held.once("readable", () => undefined);
    const error = await new Promise((resolve) => held.once("error", resolve));
    expect(error).toMatchObject({ code: "HST_PG_SNAPSHOT" });
    await clean();
  });

  test("silence of the server is bounded", async () => {
    const out = db.copyOut(sql`select pg_sleep(20)`, { timeoutMs: 150 });
    expect(await failure(bytesOf(out))).toMatchObject({ code: "HST_PG_TIMEOUT" });
    await clean();
  });
});

describe("literals", () => {
  const SAFE = /^(?:NULL|true|false|E'(?:[A-Za-z0-9 _.:,+@/=-]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*')$/;
  const anyValue = fc.oneof(
    fc.string({ unit: "binary" }).filter((text) => !text.includes("\0")),
    fc.string({ unit: fc.constantFrom("'", "\\", '"', ";", "-", "$", "u", "0", "\n", "’") }),
    fc.integer(),
    fc.bigInt(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array(),
    fc.array(fc.option(fc.string().filter((text) => !text.includes("\0")))),
    fc.dictionary(
      fc.string().filter((text) => !text.includes("\0")),
      fc.integer(),
    ),
  );

  test("hold nothing that could end them, whatever the value", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(literal(value, 1)).toMatch(SAFE);
      }),
      { numRuns: 2_000 },
    );
  });

  test("are read back as the value, with every setting of standard_conforming_strings", async () => {
    const texts = fc.sample(
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      200,
    );
    texts.push("'", "\\", "\\'", "''", "$$", "E'", "\u{1f600}", "a\u2028b", "%s", "\\u0027");
    for (const setting of ["on", "off"]) {
      await db.transaction(async (tx) => {
        if (setting === "off") await tx.execute(sql`set local standard_conforming_strings = off`);
        const literals = texts.map((text) => literal(text, 1)).join(", ");
        const rows = await tx.query<{ text: string }>({
          text: `select unnest(array[${literals}]::text[]) as text`,
        });
        expect(rows.map((row) => row.text)).toEqual(texts);
      });
    }
  });

  test("of every kind mean what the parameter means", async () => {
    const typed: readonly (readonly [unknown, string])[] = [
      [42, "int"],
      [12345678901234567890n, "numeric"],
      [Number.NaN, "float8"],
      [-0.5, "numeric"],
      [true, "bool"],
      [null, "text"],
      [new Date("2026-02-03T04:05:06.789Z"), "timestamptz"],
      [Buffer.from([0, 39, 92, 255]), "bytea"],
      [["a'b", 'c"d', "e\\f", null, "", "{}", "NULL"], "text[]"],
      [[1, 2, 3], "int[]"],
      [[["a"], ["b,c"]], "text[]"],
      [{ a: "it's", b: [1, "\\"] }, "jsonb"],
    ];
    for (const [value, type] of typed) {
      const cast = { text: `select $1::${type} as v`, values: [value] };
      const written = { text: `select ${literal(value, 1)}::${type} as v` };
      expect(await db.query(written)).toEqual(await db.query(cast));
    }
  });

  test("a NUL and a lone surrogate are refused by type, and the statement keeps its pieces", () => {
    for (const bad of ["a\0b", "\ud800"])
      expect(() => literal(bad, 1)).toThrow(expect.objectContaining({ code: "HST_PG_VALUE" }));
    expect(inlined(sql`a ${1} b ${"'"} c`)).toBe("a E'1' b E'\\u0027' c");
  });
});
