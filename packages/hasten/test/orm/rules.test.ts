import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { broadTag, rowTag } from "../../src/core/sql-tag.ts";
import { inTrace, Trace, untraced } from "../../src/core/trace/index.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { watched } from "./watched.ts";

const BY_ID = "select label from items where id = $1";
const LIST = "select id from items order by id";

describe("a read that is understood", () => {
  it("is tracked by its tags and hangs on the source", async () => {
    await using app = await watched();
    const seen = await app.traced(async () => {
      await app.pool.query(BY_ID, [7]);
    });
    const tags = [rowTag(app.table, "id", "7"), broadTag(app.table)];
    expect(seen).toMatchObject({ tags, untracked: [], trusts: [app.source.trust] });
  });

  it("named statements are known by their first text", async () => {
    await using app = await watched({ config: { max: 1 } });
    await app.traced(() => app.pool.query({ name: "one", text: BY_ID, values: [1] }));
    const named = { name: "one", values: [2] } as unknown as pg.QueryConfig;
    const again = await app.traced(() => app.pool.query(named));
    expect(again.tags).toEqual([rowTag(app.table, "id", "2"), broadTag(app.table)]);
    const client = await app.pool.connect();
    const unknown = { name: "none", values: [] } as unknown as pg.QueryConfig;
    const other = await app.traced(() => client.query(unknown).catch(() => undefined));
    client.release();
    expect(other.untracked.length).toBeGreaterThan(0);
  });

  it("callbacks run in the caller's trace, whoever opened the connection", async () => {
    await using app = await watched({ config: { max: 1 } });
    const nested = (first: number): Promise<unknown> =>
      new Promise((resolve) =>
        app.pool.query(BY_ID, [first], () =>
          app.pool.connect((_error, client, done) =>
            client!.query(BY_ID, [first + 1], () => {
              done();
              app.pool.query(BY_ID, [first + 2], resolve);
            }),
          ),
        ),
      );
    const seen = await Promise.all([10, 20, 30].map((id) => app.traced(() => nested(id))));
    expect(seen.map(({ tags }) => tags.filter((tag) => tag.includes("id=")))).toEqual(
      [10, 20, 30].map((id) => [0, 1, 2].map((more) => rowTag(app.table, "id", String(id + more)))),
    );
  });
});

describe("untracked by name", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a function", "select now()", "a function"],
    ["several statements", `${LIST}; ${LIST}`, "several statements in one text"],
    ["what is not understood", "select 1", "unknown: select 1"],
    ["a write", "update items set label = 'w' where id = 1", CAUSES.writes],
    ["a query that failed", "select nothing from items", CAUSES.failed],
  ];
  it.each(cases)("%s", async (_name, text, cause) => {
    await using app = await watched();
    const seen = await app.traced(() => app.pool.query(text).catch(() => undefined));
    expect(seen.untracked).toContain(cause);
  });

  it("a client and a pool that nobody watches", async () => {
    await using app = await watched();
    const pool = new pg.Pool({ connectionString: app.url, max: 1 });
    pool.on("error", () => undefined);
    const client = new pg.Client({ connectionString: app.url });
    await client.connect();
    await pool.query("select 1");
    const both = await Promise.all([
      app.traced(() => Promise.all([app.pool.query(BY_ID, [1]), client.query(BY_ID, [1])])),
      app.traced(() => Promise.all([app.pool.query(BY_ID, [1]), pool.query(BY_ID, [1])])),
      app.traced(() => app.pool.query(BY_ID, [1])),
    ]);
    await client.end();
    await pool.end();
    expect(both[0]!.untracked).toEqual([CAUSES.client]);
    expect(both[1]!.untracked).toContain(CAUSES.pool);
  });

  it("a query outside any trace while one is open, unless it is said not to matter", async () => {
    await using app = await watched();
    const started = Promise.withResolvers<void>();
    const background = started.promise.then(() => app.pool.query(BY_ID, [5]));
    const lost = await app.traced(async () => {
      await app.pool.query(BY_ID, [1]);
      started.resolve();
      await background;
    });
    expect(lost.untracked).toEqual([CAUSES.adrift]);
    const again = Promise.withResolvers<void>();
    const apart = again.promise.then(() => untraced(() => app.pool.query(BY_ID, [5])));
    const kept = await app.traced(async () => {
      await app.pool.query(BY_ID, [1]);
      again.resolve();
      await apart;
    });
    expect(kept.untracked).toEqual([]);
  });

  it("a connection to another database", async () => {
    await using app = await watched();
    await using other = await freshDatabase();
    const client = app.watch.watch(new pg.Client({ connectionString: other.url }));
    await client.connect();
    await client.query("create table items (id int, label text)");
    const seen = await app.traced(() => client.query(BY_ID, [1]));
    await client.end();
    expect(seen.untracked).toEqual([CAUSES.otherDatabase]);
  });
});

describe("snapshots", () => {
  it("READ COMMITTED may fill before it wrote, not after", async () => {
    await using app = await watched();
    const client = await app.pool.connect();
    await client.query("begin");
    expect((await app.traced(() => client.query(BY_ID, [1]))).untracked).toEqual([]);
    await client.query("update items set label = 'mine' where id = 1");
    expect((await app.traced(() => client.query(BY_ID, [1]))).untracked).toEqual([
      CAUSES.afterWrite,
    ]);
    await client.query("rollback");
    expect((await app.traced(() => client.query(BY_ID, [1]))).untracked).toEqual([]);
    client.release();
  });

  it("REPEATABLE READ fills only a trace that was open when it began", async () => {
    await using app = await watched();
    const client = await app.pool.connect();
    await client.query("begin isolation level repeatable read");
    const old = await app.traced(() => client.query(BY_ID, [1]));
    expect(old.untracked).toEqual([CAUSES.oldSnapshot]);
    await client.query("commit");
    const own = await app.traced(async () => {
      await client.query("begin isolation level repeatable read");
      await client.query(BY_ID, [1]);
      await client.query("commit");
    });
    expect(own.untracked).toEqual([]);
    const inner = await app.traced(async () => {
      await client.query("begin isolation level serializable");
      const later = new Trace();
      await inTrace(later, () => client.query(BY_ID, [1]));
      expect(later.dependency().untracked).toEqual([CAUSES.oldSnapshot]);
      await client.query("commit");
    });
    expect(inner.untracked).toEqual(["nothing was read"]);
    client.release();
  });

  it("the database's default isolation counts for a plain BEGIN", async () => {
    await using app = await watched({
      config: { options: "-c default_transaction_isolation=repeatable\\ read" },
    });
    const client = await app.pool.connect();
    await client.query("begin");
    const old = await app.traced(() => client.query(BY_ID, [1]));
    expect(old.untracked).toEqual([CAUSES.oldSnapshot]);
    await client.query("commit");
    client.release();
  });
});

describe("connection state", () => {
  const changes: readonly (readonly [string, string])[] = [
    ["set role", "set role pg_monitor"],
    ["a setting of the application", "set app.tenant to 'a'"],
    ["search_path", "set search_path to other"],
    ["set_config", "select set_config('app.tenant', 'a', false)"],
    ["a temporary table", "create temp table items (id int, label text)"],
  ];
  it.each(changes)("%s: untracked and personal until DISCARD ALL", async (_name, text) => {
    await using app = await watched({ config: { max: 1 } });
    await app.pool.query(BY_ID, [1]);
    await app.pool.query(text);
    const after = await app.traced(() => app.pool.query(BY_ID, [1]).catch(() => undefined));
    expect(after.untracked.length).toBeGreaterThan(0);
    if (!after.untracked.includes(CAUSES.failed)) expect(after.personal?.length).toBeGreaterThan(0);
    await app.pool.query("discard all");
    const reset = await app.traced(() => app.pool.query(BY_ID, [1]));
    expect(reset).toMatchObject({ untracked: [], personal: undefined });
  });

  it("SET LOCAL ends with its transaction", async () => {
    await using app = await watched({ config: { max: 1 } });
    const client = await app.pool.connect();
    await client.query("begin");
    await client.query("set local app.tenant to 'a'");
    const within = await app.traced(() => client.query(BY_ID, [1]));
    expect(within.personal).toEqual(["SET LOCAL app.tenant"]);
    await client.query("commit");
    const after = await app.traced(() => client.query(BY_ID, [1]));
    expect(after).toMatchObject({ untracked: [], personal: undefined });
    client.release();
  });

  it("a time zone set by the pool on each new connection is no state; one of a request is", async () => {
    await using app = await watched({ config: { max: 1 } });
    app.pool.on("connect", (client) => void client.query("set timezone to 'Asia/Tokyo'"));
    expect((await app.traced(() => app.pool.query(BY_ID, [1]))).untracked).toEqual([]);
    await app.pool.query("set timezone to 'Europe/Paris'");
    const other = await app.traced(() => app.pool.query(BY_ID, [1]));
    expect(other.personal?.length).toBeGreaterThan(0);
  });

  it("a connection that was changed before it was watched", async () => {
    await using app = await watched();
    const client = new pg.Client({ connectionString: app.url });
    await client.connect();
    await client.query("create temp table other (id int)");
    app.watch.watch(client);
    const seen = await app.traced(() => client.query(BY_ID, [1]));
    await client.end();
    expect(seen.untracked).toContain(CAUSES.usedBefore);
    expect(seen.personal).toContain(CAUSES.usedBefore);
  });
});
