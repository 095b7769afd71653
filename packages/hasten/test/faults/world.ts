/** A server of one's own that may be killed, a database object behind a proxy, and what must be left of both. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { expect } from "vitest";
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
  isUnavailable,
  type PostgresError,
} from "../../src/postgres/index.ts";
import { type FaultyProxy, faultyProxy } from "../../src/testing/index.ts";
import { FAULTS, type FaultName } from "./table.ts";

export interface OwnServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Signals the main process: SIGKILL, SIGQUIT (immediate), SIGINT (fast), SIGTERM (smart). */
  signal(name: NodeJS.Signals): void;
  /** Settles when it has ended after a signal. */
  ended(): Promise<void>;
  /** The same data and port again. */
  start(flags?: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function ownServer(flags: readonly string[] = []): Promise<OwnServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "hasten-faults-"));
  await chmod(dataDir, 0o755);
  let server: PostgresServer = await startPostgres({ dataDir, flags });
  const { port, url } = server;
  return {
    url,
    port,
    signal: (name) => void process.kill(server.pid, name),
    ended: () => server.ended,
    async start(more = flags) {
      await server.stop();
      server = await startPostgres({ dataDir, port, flags: more });
    },
    stop: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export interface Through extends AsyncDisposable {
  readonly proxy: FaultyProxy;
  readonly db: Database;
}

/** A database object behind a proxy, with short bounds. */
export async function through(url: string, options: DatabaseOptions = {}): Promise<Through> {
  const proxy = await faultyProxy({ port: Number(new URL(url).port) });
  const db = quick(url, { port: proxy.port, ...options });
  return {
    proxy,
    db,
    async [Symbol.asyncDispose]() {
      await db.drain();
      expect(proxy.open).toBe(0);
      await proxy.close();
    },
  };
}

/** Gives up soon, so that tests do. */
export const quick = (url: string, options: DatabaseOptions = {}): Database =>
  createDatabase({
    url,
    cancelTimeoutMs: 300,
    drainTimeoutMs: 500,
    healthEveryMs: 0,
    ...options,
    pool: { min: 0, max: 3, acquireTimeoutMs: 1_000, connectTimeoutMs: 300, ...options.pool },
    retry: {
      ...{ connectRetries: 1, delayMs: 5, delayMaxMs: 20, breakerFailures: 3, breakerOpenMs: 100 },
      ...options.retry,
    },
  });

export const failure = (promise: Promise<unknown>): Promise<PostgresError> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: PostgresError) => error,
  );

/** It is what the table says, and its text holds neither address nor password nor value. */
export function expectFault(name: FaultName, error: PostgresError, url: string): void {
  const { error: code, sqlstate, unavailable } = FAULTS[name];
  expect({ code: error.code, sqlstate: error.sqlstate }).toEqual({ code, sqlstate });
  expect(isUnavailable(error)).toBe(unavailable);
  expect(error.fix.length).toBeGreaterThan(10);
  const { password, port } = new URL(url);
  for (const secret of [password, port, "127.0.0.1", "hunter2"])
    expect(`${error.message} ${error.fix}`).not.toContain(secret);
}

/** Fails four times in a row at most, within a bound, and leaves the breaker as the table says. */
export async function expectBreaker(
  name: FaultName,
  db: Database,
  ask: () => Promise<unknown>,
): Promise<void> {
  const startedMs = performance.now();
  for (let n = 0; n < 4; n++) await ask().catch(() => undefined);
  expect(performance.now() - startedMs).toBeLessThan(6_000);
  expect(db.stats().pool.breaker).toBe(FAULTS[name].breaker === "opens" ? "open" : "closed");
}

/**
 * Works again by itself. `idle`: connections were kept, so the breaker, which judges new ones only, may
 * stay open until one is needed.
 */
export async function expectRecovery(db: Database, kept: "none" | "idle" = "none"): Promise<void> {
  const ask = (): Promise<unknown> =>
    db.query({ text: "select 1 as n" }).catch((error: { code: string }) => error.code);
  await expect.poll(ask, { timeout: 10_000, interval: 50 }).toEqual([{ n: 1 }]);
  // Connections that are being opened still count as active.
  await expect
    .poll(() => db.stats().pool, { timeout: 3_000 })
    .toMatchObject({ active: 0, waiting: 0, ...(kept === "none" ? { breaker: "closed" } : {}) });
}

/** Sockets of this process that keep it alive. */
export const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

/** Runs it and compares sockets before and after; `work` closes all it opened. */
export async function leavesNothing(work: () => Promise<void>): Promise<void> {
  const before = sockets();
  await work();
  await expect.poll(sockets, { timeout: 3_000 }).toBeLessThanOrEqual(before);
}

export async function administer(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Until the server works on a statement that holds this. */
export async function untilRunning(url: string, holding: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const text = `select count(*)::int as n from pg_stat_activity
    where state = 'active' and pid <> pg_backend_pid() and strpos(query, $1) > 0`;
  try {
    await expect
      .poll(async () => (await client.query(text, [holding])).rows[0].n, { timeout: 5_000 })
      .toBeGreaterThan(0);
  } finally {
    await client.end();
  }
}
