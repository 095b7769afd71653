import { type RedisSource, redisDriver } from "./drivers/driver.ts";
import { Link } from "./link/link.ts";
import { checkedLinkOptions, type LinkOptions } from "./link/options.ts";
import type { RedisLink } from "./types.ts";

/** Connects in the background, for as long as it takes; `ready()` waits for it. */
export function openLink(source: RedisSource, options: LinkOptions = {}): RedisLink {
  return new Link(redisDriver(source), checkedLinkOptions(options));
}
