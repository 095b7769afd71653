/** Cached answers across a switch of storage: the old database's are gone, the new one's follow its changes. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Cache, createCache } from "hasten/cache";
import { createResponseCache, untraced } from "hasten/express";
import { migrate } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, inject, test, vi } from "vitest";
import { createTokens } from "../../src/api/auth/tokens.ts";
import { createApi } from "../../src/api/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import { databaseOpener } from "../../src/lifecycle/database.ts";
import { MIGRATIONS } from "../../src/lifecycle/prepare.ts";
import { openStorage } from "../../src/storage/index.ts";
import { until } from "./api-process.ts";

vi.setConfig({ testTimeout: 60_000 });

const BOUND_MS = 500;
const JWT_SECRET = "test-secret-".repeat(4);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What another program asks: nobody's answer here. */
const rowsOf = (url: string, text: string) => untraced(() => asked(url, text));

async function asked(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

interface Served extends AsyncDisposable {
  readonly cache: Cache;
  call(path: string, init?: RequestInit): Promise<{ text: string; served: string | null }>;
}

/** The API as `serve` wires it, on databases of the test's server. */
async function served(local: TestDatabase, other: TestDatabase): Promise<Served> {
  const command = loadConfig({});
  if (command.kind !== "start") throw new Error("help was asked for");
  const cache = createCache({ name: "metrics-api", tracked: true });
  const storage = await openStorage({
    mode: "local",
    url: local.url,
    find: async (mode) => (mode === "local" ? local.url : other.url),
    open: databaseOpener({ config: command.config, cache, log }),
    migrations: MIGRATIONS,
    remember: () => undefined,
    forgetCached: async () => cache.clear(),
  });
  const api = createApi({
    storage,
    cache,
    responseCache: createResponseCache({ cache, tracked: true }),
    config: { jwtSecret: JWT_SECRET, cursorKeys: [{ id: "k1", secret: "c".repeat(32) }] },
    log,
  });
  const server = createServer(api.listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const identity = { id: crypto.randomUUID(), email: "a@example.com", role: "admin" } as const;
  const { token } = await createTokens({ secret: JWT_SECRET }).issue(identity);
  return {
    cache,
    async call(path, init) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await fetch(base + path, { ...init, headers });
      return { text: await answer.text(), served: answer.headers.get("x-cache") };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await api.close();
      await storage[Symbol.asyncDispose]();
      await cache.close();
    },
  };
}

const slotsIn = async ({ name }: TestDatabase): Promise<number> =>
  (
    await rowsOf(
      inject("postgresUrl"),
      `select 1 from pg_replication_slots where database = '${name}'`,
    )
  ).length;

const RENAME = (name: string): string =>
  `update domains set document = document || '{"name":"${name}"}'`;

test("a switch leaves no answer of the old database, and the new one's follow who writes there", async () => {
  await using closing = new AsyncDisposableStack();
  const [local, other] = [await freshDatabase(), await freshDatabase()];
  closing.defer(() => local.drop());
  closing.defer(() => other.drop());
  await migrate({ url: local.url, directory: MIGRATIONS });
  await rowsOf(
    local.url,
    `insert into domains (document) values ('{"name":"first","description":"","owner_team":"t"}')`,
  );
  const api = closing.use(await served(local, other));
  const list = "/api/v1/domains";
  await api.call(list);
  expect(await api.call(list)).toMatchObject({ served: "HIT" });
  expect(await slotsIn(local)).toBe(1);

  // Readers all the while: what they began to read in the old database must not be kept.
  let reading = true;
  const readers = Array.from({ length: 4 }, async () => {
    while (reading) await api.call(list);
  });
  const switched = await api.call("/api/v1/admin/storage", {
    method: "POST",
    body: '{"mode":"postgres"}',
  });
  expect(JSON.parse(switched.text)).toMatchObject({ kind: "switched", to: "postgres" });
  await rowsOf(other.url, RENAME("written to the new one"));
  const startedMs = performance.now();
  const isSeen = async (): Promise<boolean> =>
    (await api.call(list)).text.includes("written to the new one");
  expect(await until(isSeen, 5_000)).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(2 * BOUND_MS);

  // Nobody reads the old one any more, so what happens there is nobody's news.
  await rowsOf(local.url, RENAME("written to the old one"));
  for (const endMs = performance.now() + 2 * BOUND_MS; performance.now() < endMs; )
    expect((await api.call(list)).text).toContain("written to the new one");
  reading = false;
  await Promise.all(readers);
  expect(await api.call(list)).toMatchObject({ served: "HIT" });
  expect(JSON.parse((await api.call("/readyz")).text)).toMatchObject({
    coherence: { state: "live", promise: "stream" },
  });
  expect(await until(async () => (await slotsIn(local)) === 0, 10_000)).toBe(true);
  expect(await slotsIn(other)).toBe(1);
});
