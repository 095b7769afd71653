/** A replica that is copied from a running server, follows it, pauses, is killed, and is promoted. */
import { existsSync } from "node:fs";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { startReplica } from "./replica.ts";
import { startPostgres } from "./start.ts";

vi.setConfig({ testTimeout: 90_000 });

async function one(url: string, text: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return String(Object.values((await client.query(text)).rows[0] ?? {})[0]);
  } finally {
    await client.end();
  }
}

test("it follows, pauses, comes back after a crash, is promoted, and leaves nothing", async () => {
  await using primary = await startPostgres();
  await one(primary.url, "create table t as select generate_series(1, 5000) as n");
  const writing = new AbortController();
  const load = (async () => {
    while (!writing.signal.aborted) await one(primary.url, "update t set n = n + 0");
  })();
  const replica = await startReplica(primary);
  writing.abort();
  await load;
  let directory = "";
  try {
    directory = await one(replica.url, "show data_directory");
    const shown = (): Promise<string> => one(replica.url, "select count(*) from t");
    await expect.poll(shown, { timeout: 10_000 }).toBe("5000");
    expect(await one(replica.url, "select pg_is_in_recovery()")).toBe("true");

    await replica.pause();
    await one(primary.url, "insert into t values (0)");
    await one(primary.url, "select pg_switch_wal()");
    expect(await shown()).toBe("5000");
    await replica.resume();
    await expect.poll(shown, { timeout: 10_000 }).toBe("5001");

    await replica.stop("crash");
    expect(replica.pid).toBe(0);
    await one(primary.url, "insert into t values (0)");
    await replica.start();
    await expect.poll(shown, { timeout: 10_000 }).toBe("5002");

    await replica.promote();
    expect(await one(replica.url, "insert into t values (1) returning 1")).toBe("1");
    expect(await one(primary.url, "select count(*) from t")).toBe("5002");
  } finally {
    await replica[Symbol.asyncDispose]();
  }
  expect(existsSync(directory)).toBe(false);
});
