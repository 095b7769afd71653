export { type ClusterOptions, type RedisCluster, startCluster } from "./cluster.ts";
export type { Reply } from "./resp.ts";
export { type Sentinels, type SentinelsOptions, startSentinels } from "./sentinels.ts";
export { type RedisOptions, type RedisServer, someRedis, startRedis } from "./start.ts";
