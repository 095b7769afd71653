/** Other ways out of the process and into the driver, and how watching ends. */
import http from "node:http";
import net from "node:net";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { broadTag, rowTag } from "../../src/core/sql-tag.ts";
import { untraced } from "../../src/core/trace/index.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { PortalCursor } from "./portal-cursor.ts";
import { watched } from "./watched.ts";

const BY_ID = "select label from items where id = $1";

describe("outbound", () => {
  it("HTTP by both clients, and sockets of others, unless allowed", async () => {
    await using app = await watched();
    const web = http.createServer((_request, response) => response.end("ok")).listen(0);
    const line = net.createServer((socket) => socket.on("data", () => socket.write("+PONG\r\n")));
    line.listen(0);
    const webPort = (web.address() as net.AddressInfo).port;
    const linePort = (line.address() as net.AddressInfo).port;
    const host = `127.0.0.1:${linePort}`;
    const ask = (): Promise<void> =>
      new Promise((resolve) => {
        const socket = net.connect(linePort, "127.0.0.1", () => socket.write("PING\r\n"));
        socket.on("data", () => socket.destroy());
        socket.on("close", () => resolve());
      });
    const get = (): Promise<void> =>
      new Promise((resolve) => {
        http.get(`http://127.0.0.1:${webPort}/`, { agent: false }, (response) =>
          response.resume().on("end", resolve),
        );
      });
    const fetched = await app.traced(() =>
      fetch(`http://127.0.0.1:${webPort}/`).then((r) => r.text()),
    );
    const got = await app.traced(get);
    const asked = await app.traced(ask);
    expect(fetched.untracked).toContain(`outbound HTTP to 127.0.0.1:${webPort}`);
    expect(got.untracked.join()).toContain("outbound HTTP to 127.0.0.1");
    expect(asked.untracked.join()).toContain(`a connection to 127.0.0.1:${linePort}`);
    // Known as a source now: used in whatever context, it may feed any open trace.
    const beside = await app.traced(async () => {
      await app.pool.query(BY_ID, [1]);
      await untraced(ask);
    });
    expect(beside.untracked.join()).toContain("which is no watched database");
    const lenient = createWatch({
      analyzer: () => {
        throw new Error("not asked");
      },
      source: () => app.source,
      allow: [host, "127.0.0.1"],
    });
    expect((await app.traced(ask)).untracked).toEqual(["nothing was read"]);
    lenient.close();
    web.closeAllConnections();
    web.close();
    line.close();
  });
});

describe("cursors", () => {
  it("are known by their own text", async () => {
    await using app = await watched();
    const client = await app.pool.connect();
    const seen = await app.traced(
      () =>
        new Promise<void>((resolve, reject) => {
          const query = client.query(new pg.Query("select label from items where id = $1", [3]));
          query.on("row", () => undefined);
          query.on("error", reject);
          query.on("end", () => resolve());
        }),
    );
    client.release();
    expect(seen.tags).toEqual([rowTag(app.table, "id", "3"), broadTag(app.table)]);
  });

  it("a portal read in parts, in one trace, and beside others", async () => {
    await using app = await watched();
    const client = await app.pool.connect();
    const seen = await app.traced(async () => {
      const cursor = new PortalCursor("select id from items where id = $1", ["9"]);
      client.query(cursor as unknown as pg.Submittable);
      expect(await cursor.done).toEqual([["9"]]);
    });
    expect(seen).toMatchObject({
      tags: [rowTag(app.table, "id", "9"), broadTag(app.table)],
      untracked: [],
    });
    const failing = new PortalCursor("select nothing from items", []);
    client.query(failing as unknown as pg.Submittable);
    await expect(failing.done).rejects.toThrow("nothing");
    expect((await client.query(BY_ID, [9])).rows).toEqual([{ label: "label 9" }]);
    client.release();
  });

  it("COPY of a query is known by it", async () => {
    await using app = await watched();
    const seen = await app.traced(() => app.pool.query("copy (select id from items) to stdout"));
    expect(seen).toMatchObject({ tags: [app.table], untracked: [] });
  });

  it("a named portal's FETCH is not understood", async () => {
    await using app = await watched();
    const client = await app.pool.connect();
    await client.query("begin");
    await client.query("declare c cursor for select id from items");
    const seen = await app.traced(() => client.query("fetch 1 from c"));
    await client.query("commit");
    client.release();
    expect(seen.untracked).toEqual(["a function"]);
  });

  it("pg's native client is refused", async () => {
    await using app = await watched();
    const like = app.watch.watch(pg) as { native?: unknown };
    expect(() => like.native).toThrow(expect.objectContaining({ code: "HST_PG_OPTION" }));
  });
});

describe("watching and no longer", () => {
  it("twice is once, and closing leaves nothing", async () => {
    const original = pg.Client.prototype.query;
    const connect = Object.getPrototypeOf(pg.Pool.prototype).connect as unknown;
    const app = await watched();
    expect(app.watch.watch(app.pool)).toBe(app.pool);
    expect(pg.Client.prototype.query).not.toBe(original);
    const module = app.watch.watch(pg);
    expect(app.watch.watch(module)).toBe(module);
    const client = await app.pool.connect();
    const { connection } = client as unknown as { connection: net.Socket };
    const during = connection.listenerCount("readyForQuery");
    app.watch.close();
    expect(connection.listenerCount("readyForQuery")).toBe(during - 1);
    expect(Object.hasOwn(client, "query")).toBe(false);
    expect(Object.hasOwn(app.pool, "query")).toBe(false);
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    client.release();
    expect(pg.Client.prototype.query).toBe(original);
    expect(Object.getPrototypeOf(pg.Pool.prototype).connect).toBe(connect);
    await app[Symbol.asyncDispose]();
  });

  it("refuses what it cannot watch", async () => {
    await using app = await watched();
    expect(() => app.watch.watch({})).toThrow(expect.objectContaining({ code: "HST_PG_OPTION" }));
  });
});
