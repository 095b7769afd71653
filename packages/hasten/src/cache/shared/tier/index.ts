export { openSharedTier, type TierOptions } from "./open.ts";
export {
  type RedisOptions,
  type RedisSettings,
  type ResolvedTier,
  resolveTier,
} from "./options.ts";
