import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Cache, createCache } from "hasten/cache";
import { createResponseCache, type Notice, type ResponseCache, untraced } from "hasten/express";
import {
  type Coherence,
  type CoherenceOptions,
  createDatabase,
  type Database,
  openCoherence,
} from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { hashPassword } from "../../src/api/auth/password.ts";
import { createTokens, ROLES, type Role } from "../../src/api/auth/tokens.ts";
import type { ApiDeps, ApiStorage, SwitchOutcome } from "../../src/api/deps.ts";
import { type Api, createApi } from "../../src/api/index.ts";

export const PASSWORD = "hasten-demo";
/** How soon what others write must be seen: more than the default, as tests run beside others. */
export const BOUND_MS = 1_500;
const START_MS = 20_000;
const JWT_SECRET = "test-secret-".repeat(4);
const MIGRATIONS = new URL("../../src/migrations/", import.meta.url);

/** Set by the suite that runs everything through a pooler. */
export const pooler: { through: ((url: string) => string) | undefined } = { through: undefined };

export interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly api: Api;
  readonly cache: Cache;
  readonly responseCache: ResponseCache;
  readonly client: pg.Client;
  readonly tokens: Readonly<Record<Role, string>>;
  readonly userIds: Readonly<Record<Role, string>>;
  readonly coherence: Coherence;
  /** What the response cache had to say of routes, such as that one is not tracked. */
  readonly notices: Notice[];
  readonly errors: unknown[];
  readonly storage: TestStorage;
  /** Lets time pass for the cache. */
  advance(ms: number): void;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  token(id: string, role: Role): Promise<string>;
}

export interface CallOptions {
  readonly as?: Role | "nobody";
  readonly token?: string;
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any;
}

export interface TestStorage extends ApiStorage {
  switchOutcome: SwitchOutcome;
}

export interface FixtureOptions {
  /** Where the API's database listens, if not where the test's own client goes: a proxy. */
  readonly databaseUrl?: (direct: string) => string;
  readonly deps?: Partial<ApiDeps>;
  readonly cache?: Parameters<typeof createCache>[0];
  readonly coherence?: Partial<CoherenceOptions>;
}

export async function startFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // It stands for another program: what it reads is nobody's answer here.
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  Object.assign(client, { query: (...args: unknown[]) => untraced(() => query(...args)) });
  for (const name of (await readdir(MIGRATIONS)).sort()) {
    await client.query(await readFile(new URL(name, MIGRATIONS), "utf8"));
  }
  const userIds = await addUsers(client);
  const through = options.databaseUrl === undefined ? pooler.through : undefined;
  const apiUrl = options.databaseUrl?.(database.url) ?? through?.(database.url) ?? database.url;
  const directUrl = through === undefined ? undefined : database.url;
  let passedMs = 0;
  const clock = {
    wallMs: () => Date.now() + passedMs,
    nowMs: () => performance.now() + passedMs,
    schedule(delayMs: number, callback: () => void) {
      const timer = setTimeout(callback, delayMs).unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const cache = createCache({ name: "test", tracked: true, clock, ...options.cache });
  const errors: unknown[] = [];
  const notices: Notice[] = [];
  const onNotice = (notice: Notice) => void notices.push(notice);
  const responseCache = createResponseCache({ cache, tracked: true, clock, onNotice });
  const coherence = await openCoherence({
    url: apiUrl,
    directUrl,
    caches: [cache],
    autoSetup: true,
    boundMs: BOUND_MS,
    retryMs: 500,
    startMs: START_MS,
    clock,
    ...options.coherence,
  });
  const db = createDatabase({
    url: apiUrl,
    directUrl,
    pool: { min: 1, max: 8, acquireTimeoutMs: 1_000 },
    retry: { breakerOpenMs: 100 },
    healthEveryMs: 0,
  });
  coherence.watch(db.pool);
  const storage = storageOf(db, coherence);
  const api = createApi({
    storage,
    cache,
    responseCache,
    config: { jwtSecret: JWT_SECRET, cursorKeys: [{ id: "k1", secret: "c".repeat(32) }] },
    log: { warn: () => undefined, error: (message, fields) => errors.push({ message, ...fields }) },
    clock,
    ...options.deps,
  });
  const server = createServer(api.listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = createTokens({ secret: JWT_SECRET });
  const token = async (id: string, role: Role): Promise<string> =>
    (await issuer.issue({ id, email: `${role}@example.com`, role })).token;
  const tokens = {} as Record<Role, string>;
  for (const role of ROLES) tokens[role] = await token(userIds[role], role);

  return {
    url,
    api,
    cache,
    responseCache,
    client,
    tokens,
    userIds,
    coherence,
    notices,
    errors,
    storage,
    token,
    advance: (ms) => {
      passedMs += ms;
    },
    call: (method, path, given = {}) => call(url + path, method, { tokens, ...given }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await db.drain();
      await coherence.close();
      await api.close();
      await cache.close();
      await client.end();
      await database.drop();
    },
  };
}

function storageOf(db: Database, coherence: Coherence): TestStorage {
  return {
    mode: "local",
    current: () => db,
    write: (work) => work(db),
    switchOutcome: { kind: "unchanged", mode: "local" },
    async switchTo() {
      return this.switchOutcome;
    },
    status: () => ({ mode: "local", switching: false, inFlightWrites: 0 }),
    coherence: () => coherence.status(),
  };
}

async function addUsers(client: pg.Client): Promise<Record<Role, string>> {
  const hash = await hashPassword(PASSWORD);
  const ids = {} as Record<Role, string>;
  for (const role of ROLES) {
    const document = { email: `${role}@example.com`, name: `Demo ${role}`, role, active: true };
    const { rows } = await client.query(
      "insert into users (document, demo) values ($1, true) returning id",
      [document],
    );
    ids[role] = rows[0].id;
    await client.query("insert into user_credentials (user_id, password_hash) values ($1, $2)", [
      ids[role],
      hash,
    ]);
  }
  return ids;
}

async function call(
  url: string,
  method: string,
  options: CallOptions & { tokens: Readonly<Record<Role, string>> },
): Promise<Answer> {
  const { as = "viewer", body, raw, tokens } = options;
  const headers = new Headers(options.headers);
  const token = options.token ?? (as === "nobody" ? undefined : tokens[as]);
  if (token !== undefined && !headers.has("authorization")) {
    headers.set("authorization", `Bearer ${token}`);
  }
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  if (!headers.has("content-type") && (body !== undefined || raw !== undefined)) {
    headers.set("content-type", type);
  }
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(url, {
    method,
    headers,
    ...(payload !== undefined && { body: payload as NonNullable<RequestInit["body"]> }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
}

/** A valid metric, with whatever the test cares about. */
export const aMetric = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: "Monthly revenue",
  description: "Revenue of the month",
  category: "finance",
  tier: "tier1",
  owner: "ana",
  business_domain: "sales",
  tags: ["money"],
  ...fields,
});

/** Whether an answer was found dropped. One that only nobody could confirm in time is still there. */
export const wasDropped = (answer: Answer): boolean =>
  answer.headers.get("cache-status")?.includes("fwd=uri-miss") ?? false;

/** `HIT`, `MISS` or whatever the cache says of an answer. */
export const cacheOf = (answer: Answer): string | null => answer.headers.get("x-cache");
