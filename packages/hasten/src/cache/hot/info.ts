/** What a Redis server says of itself, as far as a cache cares. Undefined where it does not say. */
export interface ServerInfo {
  readonly version: string | undefined;
  readonly role: string | undefined;
  readonly uptimeMs: number | undefined;
  readonly usedMemoryBytes: number | undefined;
  /** 0: unlimited. */
  readonly memoryMaxBytes: number | undefined;
  /** `noeviction`, `allkeys-lru`, … */
  readonly memoryPolicy: string | undefined;
  readonly evictedKeys: number | undefined;
  readonly expiredKeys: number | undefined;
  readonly connectedClients: number | undefined;
  readonly commandsPerSecond: number | undefined;
  readonly keyspaceHits: number | undefined;
  readonly keyspaceMisses: number | undefined;
}

/** INFO has about 5 KiB; a server that says more than this is not read to the end. */
const LENGTH_MAX = 65_536;
const MS_PER_SECOND = 1_000;

/** Reads the reply of INFO; what is not understood is left out. */
export function parseInfo(text: string): ServerInfo {
  const fields = new Map<string, string>();
  for (const line of text.slice(0, LENGTH_MAX).split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#"))
      fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const number = (name: string): number | undefined => {
    const said = fields.get(name);
    return said !== undefined && /^\d{1,15}$/.test(said) ? Number(said) : undefined;
  };
  const seconds = number("uptime_in_seconds");
  return {
    version: fields.get("valkey_version") ?? fields.get("redis_version"),
    role: fields.get("role"),
    uptimeMs: seconds === undefined ? undefined : seconds * MS_PER_SECOND,
    usedMemoryBytes: number("used_memory"),
    memoryMaxBytes: number("maxmemory"),
    memoryPolicy: fields.get("maxmemory_policy"),
    evictedKeys: number("evicted_keys"),
    expiredKeys: number("expired_keys"),
    connectedClients: number("connected_clients"),
    commandsPerSecond: number("instantaneous_ops_per_sec"),
    keyspaceHits: number("keyspace_hits"),
    keyspaceMisses: number("keyspace_misses"),
  };
}
