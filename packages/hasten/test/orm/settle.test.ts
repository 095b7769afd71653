import pg from "pg";
import { describe, expect, it, vi } from "vitest";
import { untraced } from "../../src/core/trace/index.ts";
import { watched } from "./watched.ts";

const RELABEL = "update items set label = 'x' where id = 1";

/** Whether a promise is settled after everything that can run now ran, and the server had time. */
async function isPending(promise: Promise<unknown>, app: { url: string }): Promise<boolean> {
  let settled = false;
  void promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  const other = new pg.Client({ connectionString: app.url });
  await other.connect();
  for (let times = 0; times < 20; times++) await other.query("select 1");
  await other.end();
  return !settled;
}

describe.each([false, true])("understood late: %s", (late) => {
  it("pool.query resolves after its write has settled, and frees the connection before", async () => {
    await using app = await watched({ late });
    const hold = Promise.withResolvers<void>();
    app.source.hold = hold.promise;
    const write = app.pool.query(RELABEL);
    expect(await isPending(write, app)).toBe(true);
    await vi.waitFor(() => expect(app.pool.idleCount).toBe(1));
    expect(await isPending(write, app)).toBe(true);
    hold.resolve();
    expect((await write).rowCount).toBe(1);
    expect(app.source.writes).toHaveLength(1);
    expect(app.source.writes[0]).toMatchObject({ complete: true, changesSchema: false });
    expect(app.source.writes[0]!.tags).toContain(app.table);
  });

  it("a callback, a Query object and a client's promise wait as well, in order", async () => {
    await using app = await watched({ late });
    const hold = Promise.withResolvers<void>();
    app.source.hold = hold.promise;
    const client = await app.pool.connect();
    const order: string[] = [];
    const callback = new Promise<void>((resolve) =>
      client.query(RELABEL, () => {
        order.push("callback");
        resolve();
      }),
    );
    const query = client.query(new pg.Query("update items set label = 'y' where id = 2"));
    const object = new Promise<void>((resolve) =>
      query.on("end", () => {
        order.push("object");
        resolve();
      }),
    );
    const promise = client.query("select label from items where id = $1", [1]).then(() => {
      order.push("promise");
    });
    const all = Promise.all([callback, object, promise]);
    expect(await isPending(all, app)).toBe(true);
    expect(order).toEqual([]);
    hold.resolve();
    await all;
    client.release();
    expect(order).toEqual(["callback", "object", "promise"]);
    expect(app.source.writes).toHaveLength(2);
  });

  it("a transaction settles once, at COMMIT, with all that it wrote", async () => {
    await using app = await watched({ late });
    const client = await app.pool.connect();
    await client.query("begin");
    await client.query(RELABEL);
    await client.query("savepoint a");
    await client.query("insert into items values (1000, 's', 'l')");
    await client.query("rollback to savepoint a");
    expect(app.source.writes).toEqual([]);
    const hold = Promise.withResolvers<void>();
    app.source.hold = hold.promise;
    const commit = client.query("commit");
    expect(await isPending(commit, app)).toBe(true);
    hold.resolve();
    await commit;
    client.release();
    expect(app.source.writes).toHaveLength(1);
  });

  it("what was rolled back, or failed, is not told", async () => {
    await using app = await watched({ late });
    const client = await app.pool.connect();
    await client.query("begin");
    await client.query(RELABEL);
    await client.query("rollback");
    await client.query("begin");
    await client.query(RELABEL);
    await expect(client.query("insert into items values (1, 's', 'l')")).rejects.toThrow(
      "duplicate",
    );
    // A failed transaction answers COMMIT with ROLLBACK.
    await client.query("commit");
    await expect(client.query("insert into items values (1, 's', 'l')")).rejects.toThrow(
      "duplicate",
    );
    client.release();
    expect(app.source.writes).toEqual([]);
    await app.pool.query(RELABEL);
    expect(app.source.writes).toHaveLength(1);
  });
});

it("several statements in one text may be committed in part: told though they failed", async () => {
  await using app = await watched();
  const text = "begin; update items set label = 'z' where id = 3; commit; select 1 / 0";
  await expect(app.pool.query(text)).rejects.toThrow("division by zero");
  expect(app.source.writes).toMatchObject([{ complete: false }]);
});

it("a COMMIT AND CHAIN settles what came before it", async () => {
  await using app = await watched();
  const client = await app.pool.connect();
  await client.query("begin");
  await client.query(RELABEL);
  await client.query("commit and chain");
  expect(app.source.writes).toHaveLength(1);
  await client.query("rollback");
  client.release();
  expect(app.source.writes).toHaveLength(1);
});

it("a write whose answer is lost is told before its caller hears of it", async () => {
  await using app = await watched();
  app.pool.on("error", () => undefined);
  const client = await app.pool.connect();
  client.on("error", () => undefined);
  await client.query("select label from items where id = $1", [1]);
  const pid = (client as unknown as { processID: number }).processID;
  const slow = client.query("update items set label = 'lost' || pg_sleep(30)::text where id = 1");
  const failed = expect(slow).rejects.toThrow();
  const other = new pg.Client({ connectionString: app.url });
  await other.connect();
  await other.query("select pg_terminate_backend($1)", [pid]);
  await failed;
  await other.end();
  client.release(true);
  expect(app.source.writes).toHaveLength(1);
});

it("a query time-out of the driver: told when given up, and again when it ended after all", async () => {
  await using app = await watched();
  const client = await app.pool.connect();
  const text = "update items set label = 'slow' || pg_sleep(0.2)::text where id = 1";
  const slow = { text, query_timeout: 50 };
  await expect(client.query(slow as unknown as pg.QueryConfig)).rejects.toThrow("timeout");
  await client.query("select label from items where id = $1", [1]);
  client.release();
  expect(app.source.writes.length).toBeGreaterThanOrEqual(2);
  const seen = await app.traced(() => app.pool.query("select label from items where id = $1", [1]));
  expect(seen.untracked.join()).toContain("given up");
});

it("pipelined queries settle each for itself", async () => {
  await using app = await watched();
  const client = await app.pool.connect();
  (client as unknown as { pipeline: boolean }).pipeline = true;
  const answers = await Promise.allSettled([
    client.query(RELABEL),
    client.query("insert into items values (1, 's', 'l')"),
    client.query("select label from items where id = $1", [1]),
    client.query("delete from items where id = 2"),
  ]);
  client.release();
  expect(answers.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  expect(app.source.writes).toHaveLength(2);
});

it("runs the source outside the caller's trace", async () => {
  await using app = await watched();
  const { untracked } = await app.traced(() =>
    untraced(async () => {
      await app.pool.query(RELABEL);
    }),
  );
  expect(untracked).toEqual(["nothing was read"]);
});

it("a connection that is lost while its write settles ends nobody's process", async () => {
  await using app = await watched();
  const client = await app.pool.connect();
  await client.query("begin");
  await client.query(RELABEL);
  const hold = Promise.withResolvers<void>();
  app.source.hold = hold.promise;
  const commit = client.query("commit");
  const { processID } = client as unknown as { processID: number };
  const ended = new Promise((resolve) => client.once("end", resolve));
  const other = new pg.Client({ connectionString: app.url });
  await other.connect();
  await expect
    .poll(() => client.listenerCount("error"), { message: "the answer is held back" })
    .toBe(1);
  await other.query("select pg_terminate_backend($1)", [processID]);
  await ended;
  hold.resolve();
  expect((await commit).command).toBe("COMMIT");
  expect(client.listenerCount("error")).toBe(0);
  await expect(client.query("select 1")).rejects.toThrow("not queryable");
  client.release();
  await other.end();
  expect(app.source.writes).toHaveLength(1);
});
