import { type Channel, channel } from "node:diagnostics_channel";

/**
 * Every event hasten publishes, by `node:diagnostics_channel`, so that a monitor listens without
 * the features knowing it. Publishing with no subscriber costs one property read.
 * Payload types live beside the feature that publishes.
 */
export const channels: {
  readonly cacheEvent: Channel;
  readonly cacheTier: Channel;
  readonly cacheWarmUp: Channel;
  readonly httpRequest: Channel;
  readonly poolEvent: Channel;
  readonly poolWatch: Channel;
  readonly postgresQuery: Channel;
  readonly redisEvent: Channel;
  readonly sessionEvent: Channel;
  readonly slowQuery: Channel;
  readonly traceEnded: Channel;
  readonly traceFinding: Channel;
} = {
  cacheEvent: channel("hasten:cache:event"),
  cacheTier: channel("hasten:cache:tier"),
  cacheWarmUp: channel("hasten:cache:warm-up"),
  httpRequest: channel("hasten:http:request"),
  poolEvent: channel("hasten:postgres:pool"),
  poolWatch: channel("hasten:postgres:pool-watch"),
  postgresQuery: channel("hasten:postgres:query"),
  redisEvent: channel("hasten:redis:event"),
  sessionEvent: channel("hasten:postgres:session"),
  slowQuery: channel("hasten:postgres:slow-query"),
  traceEnded: channel("hasten:trace:ended"),
  traceFinding: channel("hasten:trace:finding"),
};
