/** One process that answers: cache, storage, API and HTTP server, wired by explicit parts. */
import { hash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createCache } from "hasten/cache";
import { createResponseCache } from "hasten/express";
import { watchFindings } from "hasten/traces";
import { createApi } from "../api/index.ts";
import type { Config, StorageMode } from "../config/index.ts";
import { openStorage, type Storage, writeChoice } from "../storage/index.ts";
import { startWarming } from "../warming/warming.ts";
import { databaseOpener } from "./database.ts";
import type { Log } from "./log.ts";
import { listenFailure } from "./port.ts";
import { MIGRATIONS } from "./prepare.ts";
import type { Secrets } from "./secrets.ts";
import type { Shutdown } from "./shutdown.ts";

export interface ServeParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly mode: StorageMode;
  readonly url: string;
  readonly find: (mode: StorageMode) => Promise<string | undefined>;
  readonly log: Log;
  readonly shutdown: Shutdown;
  /** Why this process may not switch the storage. */
  readonly fixedBecause?: string;
}

export interface Serving {
  readonly port: number;
  readonly storage: Storage;
}

const HTTP_DRAIN_MS = 1_500;
/** Without Redis by then it starts alone, and shares from when it is there. */
const REDIS_START_MS = 1_000;

export async function serve(parts: ServeParts): Promise<Serving> {
  const { config, secrets, shutdown, log } = parts;
  const cache = cacheOf(config, parts.url);
  shutdown.add(async () => cache.close());
  await cache.shared?.ready(REDIS_START_MS);
  const storage = await openStorage({
    mode: parts.mode,
    url: parts.url,
    find: parts.find,
    open: databaseOpener({ config, cache, log }),
    migrations: MIGRATIONS,
    remember: (mode) => writeChoice(config.dataDir, mode),
    forgetCached: async () => cache.clear(),
    fixedBecause: parts.fixedBecause,
  });
  shutdown.add(() => storage[Symbol.asyncDispose]());
  // N+1 and its kin: printed with their line in development, sampled in production.
  const findings = watchFindings();
  shutdown.add(async () => findings.close());
  const api = createApi({
    storage,
    cache,
    responseCache: createResponseCache({
      cache,
      // Without a cache nothing needs to be known of what answers depend on.
      tracked: config.cache.enabled,
      onNotice: ({ route, detail }) => log.warn(`${route}: ${detail}`),
    }),
    config: { ...secrets, listTtlMs: config.cache.ttlMs },
    log,
    isDraining: () => shutdown.signal.aborted,
  });
  shutdown.add(() => api.close());
  const server = createServer(api.listener);
  shutdown.add(() => closeServer(server));
  const port = await listen(server, config);
  if (config.cache.warming !== undefined) {
    const { jwtSecret } = secrets;
    const current = () => storage.current();
    const { warming } = config.cache;
    const warmUp = startWarming({
      cache,
      listener: api.listener,
      current,
      jwtSecret,
      log,
      ...warming,
    });
    shutdown.add(() => warmUp.close());
  }
  return { port, storage };
}

function cacheOf({ cache, redisUrl }: Config, databaseUrl: string): ReturnType<typeof createCache> {
  const { entriesMax, bytesMax, ttlMs, ttlMaxMs, tiersMs, enabled } = cache;
  return createCache({
    name: redisUrl === undefined ? "metrics-api" : `metrics-api-${placeOf(databaseUrl)}`,
    tracked: true,
    memory: { entriesMax, bytesMax },
    ttlMs,
    ttlMaxMs,
    tiers: tiersMs,
    enabled,
    redis: enabled ? redisUrl : undefined,
  });
}

/** Installations with other databases share nothing, even in one Redis. */
function placeOf(databaseUrl: string): string {
  const { host, pathname, search } = new URL(databaseUrl);
  return hash("sha256", `${host}${pathname}${search}`).slice(0, PLACE_LENGTH);
}

const PLACE_LENGTH = 12;

async function listen(server: Server, config: Config): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(config.port, config.host, resolve);
  try {
    await promise;
  } catch (error) {
    throw listenFailure(error, config);
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : config.port;
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const limit = setTimeout(() => server.closeAllConnections(), HTTP_DRAIN_MS);
  await closed;
  clearTimeout(limit);
}
