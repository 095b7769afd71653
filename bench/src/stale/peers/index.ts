import type { Peer } from "../peer.ts";
import { asyncCacheDedupe } from "./async-cache-dedupe.ts";
import { bentocache } from "./bentocache.ts";
import { cacheManager } from "./cache-manager.ts";
import { cacheable } from "./cacheable.ts";
import { hasten } from "./hasten.ts";
import { layeredLoader } from "./layered-loader.ts";

export const peers: Readonly<Record<string, Peer>> = {
  hasten,
  bentocache,
  "async-cache-dedupe": asyncCacheDedupe,
  "layered-loader": layeredLoader,
  cacheable,
  "cache-manager": cacheManager,
};
