export type { Reply } from "./resp.ts";
export { type RedisOptions, type RedisServer, someRedis, startRedis } from "./start.ts";
