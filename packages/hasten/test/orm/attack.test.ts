/** Uses of the driver that programs make and a watch may get wrong. */
import { AsyncLocalStorage } from "node:async_hooks";
import type pg from "pg";
import { describe, expect, it, vi } from "vitest";
import { broadTag, rowTag } from "../../src/core/sql-tag.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { watched } from "./watched.ts";

const BY_ID = "select label from items where id = $1";
const RELABEL = "update items set label = 'x' where id = 1";

describe("names and parameters", () => {
  it("a name means what was sent under it, not what the driver refused", async () => {
    await using app = await watched({ config: { max: 1 } });
    const client = await app.pool.connect();
    await client.query({ name: "n", text: BY_ID, values: [1] });
    const other = { name: "n", text: "select shelf from items where id = $1", values: [1] };
    await expect(client.query(other)).rejects.toThrow("must be unique");
    const byName = { name: "n", values: [3] } as unknown as pg.QueryConfig;
    const seen = await app.traced(() => client.query(byName));
    expect(seen).toMatchObject({
      tags: [rowTag(app.table, "id", "3"), broadTag(app.table)],
      untracked: [],
    });
    await client.query("deallocate n; prepare n as select shelf as label from items where id = $1");
    const replaced = await app.traced(() =>
      client.query({ name: "n", text: BY_ID, values: [3] }).catch(() => undefined),
    );
    expect(replaced.untracked).toEqual([CAUSES.noText]);
    client.release();
  });

  it("parameters changed after the call are tagged as they are sent", async () => {
    await using app = await watched({ late: true, config: { max: 1 } });
    const client = await app.pool.connect();
    const values = [1];
    const seen = await app.traced(async () => {
      const answer = client.query<{ label: string }>({ text: BY_ID, values });
      values[0] = 2;
      const [row] = (await answer).rows;
      expect(row).toEqual({ label: "label 2" });
    });
    expect(seen.tags).toEqual([rowTag(app.table, "id", "2"), broadTag(app.table)]);
    client.release();
  });

  it("one config object used again, rows as arrays, parsers of one's own", async () => {
    await using app = await watched();
    const types = { getTypeParser: () => (value: string) => `<${value}>` };
    const config = { text: BY_ID, values: [4], rowMode: "array", types } as const;
    const one = config as unknown as pg.QueryArrayConfig;
    const seen = await app.traced(async () => {
      const both = await Promise.all([app.pool.query(one), app.pool.query(one)]);
      for (const { rows } of both) expect(rows).toEqual([["<label 4>"]]);
    });
    expect(seen.tags).toEqual([rowTag(app.table, "id", "4"), broadTag(app.table)]);
  });
});

describe("transactions by text", () => {
  it.each(["COMMIT;", "  commit -- done\n", "/* x */ end", "commit; begin", "CoMmIt WoRk"])(
    "%s settles what was written",
    async (text) => {
      await using app = await watched({ config: { max: 1 } });
      const client = await app.pool.connect();
      await client.query("begin");
      await client.query(RELABEL);
      await client.query(text);
      expect(app.source.writes.length).toBeGreaterThanOrEqual(1);
      await client.query("rollback");
      client.release();
    },
  );

  it("a client given back inside its transaction spoils no other's answer", async () => {
    await using app = await watched({ config: { max: 1 } });
    const client = await app.pool.connect();
    await client.query("begin");
    await client.query(RELABEL);
    client.release();
    const within = await app.traced(() => app.pool.query(BY_ID, [1]));
    expect(within.untracked).toEqual([CAUSES.afterWrite]);
    await app.pool.query("rollback");
    expect(app.source.writes).toEqual([]);
    expect((await app.traced(() => app.pool.query(BY_ID, [1]))).untracked).toEqual([]);
  });

  it("a client thrown away while its write settles, and one killed in its transaction", async () => {
    await using app = await watched({ config: { max: 2 } });
    const hold = Promise.withResolvers<void>();
    app.source.hold = hold.promise;
    const client = await app.pool.connect();
    const write = client.query(RELABEL);
    await expect.poll(() => client.listenerCount("error")).toBeGreaterThan(0);
    client.release(true);
    await vi.waitFor(() => expect(app.pool.totalCount).toBe(0));
    hold.resolve();
    expect((await write).rowCount).toBe(1);
    expect(app.source.writes).toHaveLength(1);
    const idle = await app.pool.connect();
    idle.on("error", () => undefined);
    await idle.query("set idle_in_transaction_session_timeout to '50ms'");
    await idle.query("begin");
    await idle.query(RELABEL);
    await new Promise((resolve) => idle.once("end", resolve));
    idle.release(true);
    expect(app.source.writes).toHaveLength(1);
  });
});

describe("whose code runs", () => {
  it("a callback that throws is an uncaught exception, also after its write settled", async () => {
    await using app = await watched();
    const caught: unknown[] = [];
    const before = process.listeners("uncaughtException");
    const unhandled = vi.fn();
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => void caught.push(error.message));
    process.on("unhandledRejection", unhandled);
    void app.pool.query(RELABEL, () => {
      throw new Error("in pool.query");
    });
    const client = await app.pool.connect();
    void client.query(RELABEL, () => {
      throw new Error("in client.query");
    });
    await expect.poll(() => caught.length).toBe(2);
    client.release();
    process.removeAllListeners("uncaughtException");
    process.removeListener("unhandledRejection", unhandled);
    for (const listener of before) process.on("uncaughtException", listener);
    expect(caught.toSorted()).toEqual(["in client.query", "in pool.query"]);
    expect(unhandled).not.toHaveBeenCalled();
    expect((await app.pool.query(BY_ID, [1])).rows).toHaveLength(1);
  });

  it("others' async contexts are kept, in promises and callbacks", async () => {
    await using app = await watched({ late: true, config: { max: 1 } });
    const storage = new AsyncLocalStorage<number>();
    const one = (id: number): Promise<readonly unknown[]> =>
      storage.run(id, async () => {
        const seen: unknown[] = [];
        await app.pool.query(`${BY_ID} and ${id} = ${id}`, [id]);
        seen.push(storage.getStore());
        await new Promise<void>((resolve) =>
          app.pool.query(BY_ID, [id], () => {
            seen.push(storage.getStore());
            resolve();
          }),
        );
        const client = await app.pool.connect();
        await new Promise<void>((resolve) =>
          client.query(RELABEL, () => {
            seen.push(storage.getStore());
            resolve();
          }),
        );
        client.release();
        return seen;
      });
    const trace = new Trace();
    const all = await inTrace(trace, () => Promise.all([1, 2, 3, 4, 5].map(one)));
    expect(all).toEqual([1, 2, 3, 4, 5].map((id) => [id, id, id]));
  });

  it("one client used by two requests at once", async () => {
    await using app = await watched({ late: true });
    const client = await app.pool.connect();
    const seen = await Promise.all(
      [1, 2, 3, 4].map((id) => app.traced(() => client.query(BY_ID, [id]))),
    );
    client.release();
    expect(seen.map(({ tags }) => tags[0])).toEqual(
      [1, 2, 3, 4].map((id) => rowTag(app.table, "id", String(id))),
    );
  });

  it("a promise class of one's own", async () => {
    class Own<T> extends Promise<T> {}
    await using app = await watched({ config: { Promise: Own } });
    const answer = app.pool.query(BY_ID, [1]);
    expect(answer).toBeInstanceOf(Own);
    expect((await answer).rows).toHaveLength(1);
    await expect(app.pool.query("select nothing from items")).rejects.toThrow("nothing");
  });
});

it("a pool has one watch at a time", async () => {
  await using app = await watched();
  const analyzer = { peek: () => undefined, analyse: () => Promise.reject(new Error("no")) };
  const other = createWatch({ analyzer: () => analyzer, source: () => app.source });
  expect(() => other.watch(app.pool)).toThrow(expect.objectContaining({ code: "HST_PG_OPTION" }));
  app.watch.close();
  expect(other.watch(app.pool)).toBe(app.pool);
  other.close();
});

it("nothing is left behind by many statements", { timeout: 60_000 }, async () => {
  await using app = await watched({ config: { max: 1 } });
  const client = await app.pool.connect();
  const listeners = (): number =>
    client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0);
  client.release();
  const round = async (count: number): Promise<number> => {
    for (let index = 0; index < count; index += 100)
      await app.traced(async () => {
        for (let one = 0; one < 100; one++) await app.pool.query(BY_ID, [one]);
      });
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const before = await round(5_000);
  const counted = listeners();
  const after = await round(30_000);
  expect(listeners()).toBe(counted);
  expect((after - before) / 30_000).toBeLessThan(50);
});
