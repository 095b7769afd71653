/** The client libraries, where they are installed: loaded only when an address is given. */
import { RedisError } from "../errors.ts";
import type { IoRedisClient, NodeRedisClient } from "./shapes.ts";

type NodeRedisPackage = { readonly createClient: (options: object) => NodeRedisClient };
type IoRedisPackage = { readonly Redis: new (...options: readonly unknown[]) => IoRedisClient };

export type ClientPackage =
  | { readonly name: "node-redis"; readonly createClient: NodeRedisPackage["createClient"] }
  | { readonly name: "ioredis"; readonly Redis: IoRedisPackage["Redis"] };

export async function nodeRedisPackage(): Promise<NodeRedisPackage | undefined> {
  return await installed<NodeRedisPackage>(() => import("redis"));
}

/** `redis`, else `ioredis`. */
export async function clientPackage(): Promise<ClientPackage> {
  const nodeRedis = await nodeRedisPackage();
  if (nodeRedis !== undefined) {
    return { name: "node-redis", createClient: nodeRedis.createClient };
  }
  const ioRedis = await installed<IoRedisPackage>(() => import("ioredis"));
  if (ioRedis !== undefined) return { name: "ioredis", Redis: ioRedis.Redis };
  throw new RedisError("HST_REDIS_DRIVER", "Neither `redis` nor `ioredis` is installed.");
}

async function installed<T>(load: () => Promise<unknown>): Promise<T | undefined> {
  try {
    const found = (await load()) as T & { readonly default?: T };
    // Names of a CommonJS module are found by a heuristic of Node; `default` always has them.
    return "createClient" in (found as object) || found.default === undefined
      ? found
      : found.default;
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return undefined;
  }
}
