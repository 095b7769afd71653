export type { RedisAddress } from "./drivers/address.ts";
export { type RedisSource, redisDriver } from "./drivers/driver.ts";
export type {
  IoRedisClient,
  IoRedisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisPool,
  NodeRedisSentinel,
} from "./drivers/shapes.ts";
export { RedisError, type RedisErrorCode, RedisReplyError } from "./errors.ts";
export type { LinkOptions } from "./link/options.ts";
export type { RedisCallEvent, RedisEvent, RedisStateEvent } from "./link/states.ts";
export { openLink } from "./open-link.ts";
export type {
  LinkState,
  LinkStateKind,
  RedisArgument,
  RedisConnection,
  RedisDriver,
  RedisLink,
  RedisReply,
  RedisScript,
  RedisServer,
} from "./types.ts";
