/** From whatever names a Redis to connections to the server that holds a key. */
import { RedisError, reasonOf } from "../errors.ts";
import type { RedisConnection, RedisDriver } from "../types.ts";
import {
  type CheckedAddress,
  checkedAddress,
  parseRedisUrl,
  type RedisAddress,
} from "./address.ts";
import { masterOfIoRedisCluster, masterOfNodeRedisCluster } from "./clusters.ts";
import { masterOfIoRedis, plainIoRedisOptions, rawIoRedis } from "./ioredis.ts";
import { duplicateNodeRedis, plainNodeRedisOptions, rawNodeRedis } from "./node-redis.ts";
import { clientPackage, nodeRedisPackage } from "./packages.ts";
import { connectRaw, limited, type RawClient } from "./raw.ts";
import { masterOfSentinel, optionsOfSentinel } from "./sentinels.ts";
import * as shapes from "./shapes.ts";

/**
 * A URL, an address, a client of node-redis (`createClient`, `createClientPool`, `createCluster`,
 * `createSentinel`) or ioredis (`Redis`, `Cluster`), or a driver of one's own. Clients are only
 * copied (`duplicate()`): they need not be connected (but a pool must be), are never used or closed.
 */
export type RedisSource =
  | string
  | RedisAddress
  | RedisDriver
  | shapes.NodeRedisClient
  | shapes.NodeRedisPool
  | shapes.NodeRedisCluster
  | shapes.NodeRedisSentinel
  | shapes.IoRedisClient
  | shapes.IoRedisCluster;

interface Wanted {
  readonly key: string;
  readonly connectTimeoutMs: number;
}

export function redisDriver(source: RedisSource): RedisDriver {
  if (typeof source === "string") return addressed(parseRedisUrl(source));
  if (typeof source !== "object" || source === null) throw unknown();
  if (isDriver(source)) return source;
  const found = ofClient(source);
  if (found !== undefined) return found;
  if (!looksLikeAddress(source)) throw unknown();
  return addressed(checkedAddress(source));
}

const unknown = (): RedisError =>
  new RedisError("HST_REDIS_DRIVER", "This is no Redis that hasten knows.", {
    fix: "Pass a URL, { host, port }, or a client of `redis` or `ioredis`.",
  });

function isDriver(source: object): source is RedisDriver {
  const { name, connect } = source as Partial<RedisDriver>;
  return typeof name === "string" && typeof connect === "function" && !("duplicate" in source);
}

const ADDRESS_OPTIONS = ["host", "port", "username", "password", "db", "tls"];

function looksLikeAddress(source: object): source is RedisAddress {
  // An instance of some class is no address, however few properties of its own it has.
  const prototype: unknown = Object.getPrototypeOf(source);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.keys(source).every((name) => ADDRESS_OPTIONS.includes(name));
}

function ofClient(source: unknown): RedisDriver | undefined {
  if (shapes.isIoRedisCluster(source)) {
    return driver("ioredis", async ({ key, connectTimeoutMs }) =>
      rawIoRedis(await masterOfIoRedisCluster(source, key, plainIoRedisOptions(connectTimeoutMs))),
    );
  }
  if (shapes.isIoRedisClient(source)) {
    return driver("ioredis", async ({ connectTimeoutMs }) =>
      masterOfIoRedis(source, connectTimeoutMs),
    );
  }
  if (shapes.isNodeRedisCluster(source)) {
    return driver("node-redis", async ({ key, connectTimeoutMs }) =>
      rawNodeRedis(await masterOfNodeRedisCluster(source, key, connectTimeoutMs)),
    );
  }
  if (shapes.isNodeRedisSentinel(source)) return ofNodeRedisSentinel(source);
  if (shapes.isNodeRedisPool(source)) return ofNodeRedisPool(source);
  if (!shapes.isNodeRedisClient(source)) return undefined;
  return driver("node-redis", async ({ connectTimeoutMs }) =>
    rawNodeRedis(duplicateNodeRedis(source, connectTimeoutMs)),
  );
}

function ofNodeRedisSentinel(source: shapes.NodeRedisSentinel): RedisDriver {
  const options = optionsOfSentinel(source);
  return driver("node-redis", async ({ connectTimeoutMs }) => {
    const library = await nodeRedisPackage();
    if (library === undefined) {
      throw new RedisError("HST_REDIS_DRIVER", "The package `redis` of this client is not found.");
    }
    return await masterOfSentinel(options, library.createClient, connectTimeoutMs);
  });
}

/** A pool tells its options to its clients only, and has those while it is open. */
function ofNodeRedisPool(source: shapes.NodeRedisPool): RedisDriver {
  let pattern: shapes.NodeRedisClient | undefined;
  return driver("node-redis", async ({ connectTimeoutMs }) => {
    pattern ??= await source.execute((client) => client);
    return rawNodeRedis(duplicateNodeRedis(pattern, connectTimeoutMs));
  });
}

function addressed(address: CheckedAddress): RedisDriver {
  const { host, port, username, password, db, tls } = address;
  return driver("address", async ({ connectTimeoutMs }) => {
    const library = await clientPackage();
    const login = { ...(username && { username }), ...(password && { password }) };
    if (library.name === "ioredis") {
      const own = { host, port, db, tls, ...login, ...plainIoRedisOptions(connectTimeoutMs) };
      return rawIoRedis(new library.Redis(own));
    }
    const socket = { host, port, ...(tls && { ...tls, tls: true }) };
    const own = { database: db, ...login, ...plainNodeRedisOptions(socket, connectTimeoutMs) };
    return rawNodeRedis(library.createClient(own));
  });
}

function driver(name: string, resolve: (wanted: Wanted) => Promise<RawClient>): RedisDriver {
  return {
    name,
    connect: (wanted) => connect(resolve, wanted),
  };
}

async function connect(
  resolve: (wanted: Wanted) => Promise<RawClient>,
  wanted: Wanted,
): Promise<RedisConnection> {
  const startMs = performance.now();
  const resolved = resolve(wanted);
  const raw = await limited(resolved, wanted.connectTimeoutMs).catch((error: unknown) => {
    resolved.then(
      (late) => late.destroy(),
      () => undefined,
    );
    throw new Error(reasonOf(error), { cause: error });
  });
  const leftMs = Math.max(1, wanted.connectTimeoutMs - (performance.now() - startMs));
  return await connectRaw(raw, leftMs);
}
