/** A connection that is lost right after it was opened, before its pool can listen for errors. */
import { openCoherence } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, it } from "vitest";

/** Loses its socket as soon as it is open: what is asked then is never answered. */
class Lost extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const { connection } = this as unknown as { connection: pg.Connection };
    connection.once("readyForQuery", () => setImmediate(() => connection.stream.destroy()));
  }
}

it("has failed to connect, and ends nobody's process", async () => {
  await using db = await freshDatabase();
  await using coherence = await openCoherence({ url: db.url, mode: "own-writes" });
  const settings = { connectionString: db.url, Client: Lost, connectionTimeoutMillis: 5_000 };
  const pool = coherence.watch(new pg.Pool(settings));
  await expect(pool.query("select 1")).rejects.toThrow("Connection terminated");
  expect(pool.totalCount).toBe(0);
  const client = coherence.watch(new Lost({ connectionString: db.url }));
  await expect(client.connect()).rejects.toThrow("Connection terminated");
  await pool.end();
});

it("a pool's time-out while it is asked is a time-out", async () => {
  await using db = await freshDatabase();
  await using coherence = await openCoherence({ url: db.url, mode: "own-writes" });
  /** Open, and silent from then on. */
  class Silent extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      const { connection } = this as unknown as { connection: pg.Connection };
      connection.once("readyForQuery", () => connection.stream.pause());
    }
  }
  const settings = { connectionString: db.url, Client: Silent, connectionTimeoutMillis: 300 };
  const pool = coherence.watch(new pg.Pool(settings));
  await expect(pool.query("select 1")).rejects.toThrow("connection timeout");
  expect(pool.totalCount).toBe(0);
  await pool.end();
});
