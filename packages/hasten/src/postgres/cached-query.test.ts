import * as fc from "fast-check";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cache, createCache } from "../cache/index.ts";
import { faultyProxy } from "../testing/index.ts";
import { queryKey } from "./cached-query.ts";
import { createDatabase, type Database, sql } from "./index.ts";

describe("the key of a query's rows", () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null)), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2, noNullPrototype: true }),
    fc.uint8Array({ maxLength: 4 }),
    fc.date({ noInvalidDate: true }),
  );
  const shown = (values: unknown[]): string =>
    JSON.stringify(values, function (this: Record<string, unknown>, key, v) {
      const raw = this[key];
      if (raw instanceof Date) return ["date", raw.getTime()];
      if (raw instanceof Uint8Array) return ["bytes", ...raw];
      return typeof v === "bigint" ? ["bigint", String(v)] : v;
    });

  test("is equal only for equal text and values", () => {
    const call = fc.tuple(
      fc.constantFrom("select 1", "select 12", "select $1"),
      fc.array(value, { maxLength: 4 }),
    );
    void fc.assert(
      fc.property(call, call, ([a, x], [b, y]) => {
        const same = a === b && shown(x) === shown(y);
        expect(
          queryKey("db", { text: a, values: x }) === queryKey("db", { text: b, values: y }),
        ).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  test("tells apart what a naive join would mix up", () => {
    const keys = [
      [["a", "b"]],
      ["a", "b"],
      ["a,b"],
      ["a", ["b"]],
      ["1"],
      [1],
      [1n],
      [true],
      ["true"],
      [null],
      ["null"],
      [],
      [""],
      [[null]],
      [["null"]],
      [{ a: 1 }],
      ['{"a":1}'],
      [["string1:a"]],
      [["a", ""]],
      [["a"]],
    ].map((values) => queryKey("db", { text: "q", values }));
    expect(new Set(keys).size).toBe(keys.length);
    expect(queryKey("a", { text: "q" })).not.toBe(queryKey("b", { text: "q" }));
    expect(queryKey("db", { text: "q" })).toMatch(/^query:/);
  });

  test("is refused for a value that encodes itself", () => {
    const values = [{ toPostgres: () => "x" }];
    expect(() => queryKey("db", { text: "q", values })).toThrow(/HST_PG_VALUE/);
  });
});

describe("cached queries", () => {
  let target: TestDatabase;
  let cache: Cache;
  let db: Database;
  beforeAll(async () => {
    target = await freshDatabase();
    cache = createCache();
    db = createDatabase({ url: target.url, pool: { min: 0, max: 4 }, cache });
    await db.execute(
      sql`create table word (id int primary key, text text, at timestamptz default now())`,
    );
    await db.execute(sql`insert into word values (1, 'one')`);
  });
  afterAll(async () => {
    await db?.drain();
    await cache?.close();
    await target?.drop();
  });
  const words = (id: number) => sql`select text from word where id = ${id}`;

  test("answer again without asking the server, until their tag is deleted", async () => {
    const options = { cache: { ttlMs: 60_000, tags: ["words"] } };
    const before = db.stats();
    expect(await db.query(words(1), options)).toEqual([{ text: "one" }]);
    await db.execute(sql`update word set text = 'uno' where id = 1`);
    expect(await db.query(words(1), options)).toEqual([{ text: "one" }]);
    expect(db.stats().count - before.count).toBe(2);
    expect(db.stats()).toMatchObject({ cacheHits: 1, cacheMisses: 1, cacheHitRate: 0.5 });
    await cache.delete({ tags: ["words"] });
    expect(await db.query(words(1), options)).toEqual([{ text: "uno" }]);
    await cache.delete({ prefixes: ["query:"] });
  });

  test("give every caller the same rows for one run, however many ask at once", async () => {
    const before = db.stats().count;
    const options = { cache: { ttlMs: 60_000 } };
    const statement = sql`select 'crowd' as word, pg_sleep(0.05)::text as slept`;
    const all = await Promise.all(Array.from({ length: 500 }, () => db.query(statement, options)));
    expect(db.stats().count - before).toBe(1);
    for (const rows of all) expect(rows).toMatchObject([{ word: "crowd" }]);
  });

  test("keep dates as dates, and cannot be changed by a caller", async () => {
    const statement = sql`select at, ${[1, 2]}::int[] as list from word`;
    const options = { cache: { ttlMs: 60_000 } };
    for (let n = 0; n < 2; n++) {
      const [row] = await db.query<{ at: Date; list: number[] }>(statement, options);
      expect(row!.at).toBeInstanceOf(Date);
      try {
        row!.list.push(3);
      } catch {
        // Frozen: as good as a copy.
      }
    }
    expect((await db.query<{ list: number[] }>(statement, options))[0]!.list).toEqual([1, 2]);
  });

  test("are never answered from the cache inside a transaction", async () => {
    const options = { cache: { ttlMs: 60_000 } };
    await db.query(words(1), options);
    await db.transaction(async (tx) => {
      await tx.execute(sql`update word set text = 'own' where id = 1`);
      expect(await tx.query(words(1), options)).toEqual([{ text: "own" }]);
    });
    expect(await db.query(words(1), options)).toEqual([{ text: "uno" }]);
  });

  test("one caller's abort ends its own wait only", async () => {
    const stop = new AbortController();
    const statement = sql`select 'shared' as word, pg_sleep(0.1)::text`;
    const cached = { ttlMs: 60_000 };
    const impatient = db.query(statement, { cache: cached, signal: stop.signal });
    const patient = db.query(statement, { cache: cached });
    stop.abort();
    await expect(impatient).rejects.toMatchObject({ code: "HST_PG_ABORTED" });
    expect(await patient).toMatchObject([{ word: "shared" }]);
  });

  test("one caller's time-out ends its own wait for another's run only", async () => {
    const statement = sql`select 'slow' as word, pg_sleep(0.3)::text`;
    const cached = { ttlMs: 60_000 };
    const patient = db.query(statement, { cache: cached });
    const impatient = db.query(statement, { cache: cached, timeoutMs: 20 });
    await expect(impatient).rejects.toMatchObject({ code: "HST_PG_TIMEOUT" });
    expect(await patient).toMatchObject([{ word: "slow" }]);
  });

  test("with an aborted signal ask nothing", async () => {
    const before = db.stats().count;
    const asking = db.query(sql`select 'never'`, {
      cache: { ttlMs: 60_000 },
      signal: AbortSignal.abort(),
    });
    await expect(asking).rejects.toMatchObject({ code: "HST_PG_ABORTED" });
    await db.health();
    expect(db.stats().count - before).toBe(1);
  });

  test("that raced a write are not kept once the write was told", async () => {
    const statement = sql`select text, pg_sleep(0.2)::text from word where id = 1`;
    const options = { cache: { ttlMs: 60_000, tags: ["raced"] } };
    const early = db.query<{ text: string }>(statement, options);
    const running = sql`select from pg_stat_activity where query like '%0.2%' and state = 'active' and pid <> pg_backend_pid()`;
    await expect.poll(async () => (await db.query(running)).length).toBe(1);
    await db.transaction(async (tx) => {
      await tx.execute(sql`update word set text = 'raced' where id = 1`);
      tx.onCommit(() => cache.delete({ tags: ["raced"] }));
    });
    expect((await early)[0]!.text).not.toBe("raced");
    expect((await db.query<{ text: string }>(statement, options))[0]!.text).toBe("raced");
    await db.execute(sql`update word set text = 'own' where id = 1`);
    await cache.delete({ prefixes: ["query:"] });
  });

  test("of databases that read types differently, or as another user or with other settings, are kept apart", async () => {
    const asBigint = (): ((text: string) => unknown) => (text) => BigInt(text);
    const offset = (by: bigint) => (text: string) => BigInt(text) + by;
    const options = `${target.url}?options=${encodeURIComponent("-c extra_float_digits=0")}`;
    const ways = [
      { url: target.url },
      { url: target.url, parsers: { 20: asBigint() } },
      { url: target.url, parsers: { 20: offset(1n) } },
      { url: target.url, parsers: { 20: offset(2n) } },
      { url: options },
    ];
    const seen: unknown[] = [];
    for (const way of ways) {
      await using own = createDatabase({ ...way, pool: { min: 0 }, cache });
      const statement = sql`select 1::int8 as n, current_setting('extra_float_digits') as digits`;
      seen.push(...(await own.query(statement, { cache: { ttlMs: 60_000 } })));
    }
    expect(seen).toEqual([
      { n: "1", digits: "1" },
      { n: 1n, digits: "1" },
      { n: 2n, digits: "1" },
      { n: 3n, digits: "1" },
      { n: "1", digits: "0" },
    ]);
  });

  test("are served stale within their grace while the database is down", async () => {
    const proxy = await faultyProxy({ port: Number(new URL(target.url).port) });
    const url = new URL(target.url);
    url.port = String(proxy.port);
    await using through = createDatabase({
      url: url.href,
      pool: { min: 0 },
      cache,
      retry: { connectRetries: 0 },
    });
    const options = { cache: { ttlMs: 20, graceMs: 60_000 } };
    expect(await through.query(words(1), options)).toEqual([{ text: "own" }]);
    proxy.mode("refuse");
    proxy.cutAll();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await through.query(words(1), options)).toEqual([{ text: "own" }]);
    await expect(through.query(words(2), options)).rejects.toMatchObject({
      code: "HST_PG_UNAVAILABLE",
    });
    await proxy.close();
  });
});
