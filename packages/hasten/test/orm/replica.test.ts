/** A streaming replica that lags: its rows are tracked only where it replayed what is known here. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { expect, it, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { instant } from "../../src/core/trust.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { identify } from "../../src/postgres/watch/identity.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { SCHEMA } from "./libraries.ts";
import { recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";

const run = promisify(execFile);
const BY_ID = "select label from items where id = $1";

/** A primary, and a replica made from a copy of its data while it was stopped. */
async function pair(): Promise<{ primary: string; replica: string } & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), "hasten-replica-"));
  await run("chmod", ["711", home]);
  const [first, second] = [join(home, "first"), join(home, "second")];
  const flags = ["-c", "wal_level=replica", "-c", "hot_standby=on"];
  const once = await startPostgres({ dataDir: first, flags });
  await once.stop();
  await run("cp", ["-a", first, second]);
  const primary = await startPostgres({ dataDir: first, flags });
  const cluster = (await run("find", [second, "-name", "PG_VERSION", "-maxdepth", "3"])).stdout;
  const directory = cluster.split("\n")[0]!.replace(/\/PG_VERSION$/, "");
  await writeFile(join(directory, "standby.signal"), "");
  const { username, password, port } = new URL(primary.url);
  const conninfo = `host=127.0.0.1 port=${port} user=${username} password=${password}`;
  const replica = await startPostgres({
    dataDir: second,
    flags: [...flags, "-c", `primary_conninfo=${conninfo}`],
  });
  return {
    primary: primary.url,
    replica: replica.url,
    async [Symbol.asyncDispose]() {
      await replica.stop();
      await primary.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

it("a lagging replica fills nothing until it has caught up", { timeout: 120_000 }, async () => {
  await using servers = await pair();
  const primary = new pg.Client({ connectionString: servers.primary });
  const replica = new pg.Client({ connectionString: servers.replica });
  const direct = new pg.Client({ connectionString: servers.replica });
  for (const client of [primary, direct]) await client.connect();
  const source = recordingSource();
  const analyzer = smallAnalyzer("postgres");
  const watch = createWatch({
    analyzer: () => analyzer,
    source: () => source,
    identify: () => identify(async (text) => (await primary.query(text)).rows),
  });
  watch.watch(replica);
  await replica.connect();
  const known = async (): Promise<void> => {
    const { rows } = await primary.query<{ at: string }>("select pg_current_wal_lsn()::text as at");
    source.position = rows[0]!.at;
    source.trust.confirm(instant(systemClock));
  };
  const read = async (): Promise<readonly string[]> => {
    const trace = new Trace();
    await inTrace(trace, () => replica.query(BY_ID, [1]).catch(() => undefined));
    return trace.dependency().untracked;
  };
  try {
    await primary.query(SCHEMA);
    expect(await read()).not.toEqual([]);
    await known();
    await vi.waitFor(async () => expect(await read()).toEqual([]), 20_000);

    await direct.query("select pg_wal_replay_pause()");
    await primary.query("update items set label = 'newer' where id = 1");
    await known();
    expect(await read()).toEqual([CAUSES.replica]);
    await direct.query("select pg_wal_replay_resume()");
    await vi.waitFor(async () => expect(await read()).toEqual([]), 20_000);
    expect((await replica.query(BY_ID, [1])).rows).toEqual([{ label: "newer" }]);

    source.position = "0/0";
    expect(await read()).toEqual([CAUSES.replica]);
    await known();
    source.trust.end();
    expect(await read()).toEqual([CAUSES.replica]);
  } finally {
    await Promise.all([primary.end(), replica.end(), direct.end()]);
    watch.close();
  }
});
