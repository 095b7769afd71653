import { startPostgres, startReplica } from "hasten-tools/postgres";
import pg from "pg";
import { expect, test } from "vitest";
import { checkHealth } from "../../src/health/check.ts";
import type { Thresholds } from "../../src/health/thresholds.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";

/** What a lag is found by, and named. */
async function laggards(url: string, thresholds: Partial<Thresholds>): Promise<readonly string[]> {
  await using target = await openTarget(connectionFrom(url, {}));
  const health = await checkHealth(target, { thresholds });
  expect(health.coverage.missing).toEqual([]);
  return health.findings
    .filter((finding) => finding.id === "health/replica-lag")
    .map((finding) => finding.subject);
}

test("a replica that lags is found from both ends; on one every check runs", {
  timeout: 120_000,
}, async () => {
  await using primary = await startPostgres();
  await using client = await opened(primary.url);
  await client.sql("create table t (id serial primary key); create unlogged table u (id serial)");
  await client.sql("insert into u select from generate_series(1, 10)");
  await using replica = await startReplica(primary);
  expect(await laggards(replica.url, {})).toEqual([]);
  expect(await laggards(primary.url, {})).toEqual([]);
  await replica.pause();
  await client.sql("insert into t select from generate_series(1, 50000)");
  await using there = await opened(replica.url);
  await expect
    .poll(
      () =>
        there.sql(
          "select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) > 1e6 as x",
        ),
      { timeout: 20_000 },
    )
    .toEqual([{ x: true }]);
  const strict = { replicaLagCriticalBytes: 1_000_000 };
  expect(await laggards(primary.url, strict)).toEqual(["replica replica"]);
  expect(await laggards(replica.url, strict)).toEqual(["this server"]);
});

async function opened(
  url: string,
): Promise<AsyncDisposable & { sql: (text: string) => Promise<unknown> }> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return {
    sql: async (text) => (await client.query(text)).rows,
    [Symbol.asyncDispose]: () => client.end(),
  };
}
