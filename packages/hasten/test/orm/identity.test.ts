/** Two servers whose databases have the same name and the same oid. */
import { openCoherence } from "hasten/postgres";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type Dependency, inTrace, Trace } from "../../src/core/trace/index.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { type Identity, identify } from "../../src/postgres/watch/identity.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { SCHEMA } from "./libraries.ts";
import { recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";

const BY_ID = "select label from items where id = $1";
let here: PostgresServer;
let there: PostgresServer;

async function prepared(): Promise<PostgresServer> {
  const server = await startPostgres();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`${SCHEMA}; create role plain login password 'plain'; grant select on items to plain;
    revoke execute on function pg_control_system() from public`);
  await client.end();
  return server;
}

beforeAll(async () => {
  here = await prepared();
  there = await prepared();
}, 120_000);

afterAll(async () => {
  await here.stop();
  await there.stop();
});

async function asked(url: string): Promise<Identity> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await identify(async (text) => (await client.query(text)).rows);
  } finally {
    await client.end();
  }
}

async function reading(pool: pg.Pool): Promise<Dependency> {
  const trace = new Trace();
  await inTrace(trace, () => pool.query(BY_ID, [1]));
  return trace.dependency();
}

function watching(identity: () => Promise<Identity>) {
  const analyzer = smallAnalyzer("postgres");
  const source = recordingSource();
  const watch = createWatch({
    analyzer: () => analyzer,
    source: () => source,
    identify: identity,
  });
  const pools: pg.Pool[] = [];
  return {
    pool(url: string): pg.Pool {
      const pool = watch.watch(new pg.Pool({ connectionString: url, max: 1 }));
      pool.on("error", () => undefined);
      pools.push(pool);
      return pool;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.end()));
      watch.close();
    },
  };
}

const as = (url: string, user: string): string => {
  const other = new URL(url);
  other.username = user;
  other.password = user;
  return other.href;
};

it("tells them apart, whoever asks", async () => {
  const [mine, other] = [await asked(here.url), await asked(there.url)];
  expect(mine.database).toBe(other.database);
  expect(mine.system).not.toBe(other.system);
  expect((await asked(as(here.url, "plain"))).system).toBeUndefined();
  await using app = watching(() => asked(here.url));
  expect((await reading(app.pool(here.url))).untracked).toEqual([]);
  expect((await reading(app.pool(as(here.url, "plain")))).untracked).toEqual([]);
  for (const url of [there.url, as(there.url, "plain")]) {
    const first = app.pool(url);
    expect((await reading(first)).untracked).not.toEqual([]);
    await vi.waitFor(async () => {
      expect((await reading(first)).untracked).toEqual([CAUSES.otherDatabase]);
    });
  }
});

it("while it is not known who tells of changes, nothing is kept", async () => {
  let known = false;
  await using app = watching(() => {
    if (!known) throw new Error("down");
    return asked(here.url);
  });
  const pool = app.pool(here.url);
  expect(await reading(pool)).toMatchObject({ untracked: [CAUSES.unidentified], passing: true });
  known = true;
  await vi.waitFor(async () => expect((await reading(pool)).untracked).toEqual([]), 5_000);
});

it("a server that was started anew is the same again once it was asked", async () => {
  let stale: Identity | undefined = { ...(await asked(here.url)), started: "1.000001" };
  await using app = watching(async () => stale ?? (await asked(here.url)));
  const pool = app.pool(here.url);
  await reading(pool);
  stale = undefined;
  await vi.waitFor(async () => expect((await reading(pool)).untracked).toEqual([]), 5_000);
});

it("coherence with one of them does not vouch for a pool of the other", async () => {
  await using coherence = await openCoherence({ url: here.url, mode: "own-writes" });
  const pools = [here, there].map(({ url }) =>
    coherence.watch(new pg.Pool({ connectionString: url, max: 1 })),
  );
  const seen: Dependency[] = [];
  for (const pool of pools) {
    pool.on("error", () => undefined);
    await reading(pool);
    await vi.waitFor(async () => expect((await reading(pool)).passing).toBe(false), 5_000);
    seen.push(await reading(pool));
  }
  await Promise.all(pools.map((pool) => pool.end()));
  expect(seen.map(({ untracked }) => untracked)).toEqual([[], [CAUSES.otherDatabase]]);
});
