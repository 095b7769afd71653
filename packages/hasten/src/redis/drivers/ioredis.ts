/** Plain connections made with ioredis, from clients configured by the user; Sentinel included. */
import type { RedisArgument } from "../types.ts";
import { type AskedSentinel, namedMaster, stillNamed } from "./masters.ts";
import type { RawClient } from "./raw.ts";
import type { IoRedisClient } from "./shapes.ts";

const SENTINEL_TIMEOUT_MS = 1_000;
const DISCONNECT_TIMEOUT_MS = 50;

/** What makes a client of theirs a connection that does not heal by itself and changes no command. */
export function plainIoRedisOptions(connectTimeoutMs: number): object {
  return {
    lazyConnect: true,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: Math.min(SENTINEL_TIMEOUT_MS, connectTimeoutMs),
    failoverDetector: false,
    role: "master",
    reconnectOnError: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    keyPrefix: "",
    readOnly: false,
    monitor: false,
    // RESP3 answers in other shapes (maps for XREAD); RESP2 is understood everywhere.
    protocol: 2,
    replyMapping: "legacy",
    stringNumbers: false,
    scripts: undefined,
    himportFieldsets: undefined,
    commandTimeout: undefined,
    blockingTimeout: undefined,
    socketTimeout: undefined,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  };
}

interface SentinelOptions {
  readonly name?: string;
  readonly sentinels?: readonly { readonly host?: string; readonly port?: number }[] | null;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly enableTLSForSentinelMode?: boolean;
  readonly sentinelTLS?: object;
}

/** A connection to the server of this client: behind Sentinels, to whom they name before and after. */
export async function masterOfIoRedis(
  source: IoRedisClient,
  connectTimeoutMs: number,
): Promise<RawClient> {
  const connection = (): RawClient =>
    rawIoRedis(source.duplicate(plainIoRedisOptions(connectTimeoutMs)));
  const options = source.options as SentinelOptions;
  const { name = "", sentinels, sentinelUsername, sentinelPassword } = options;
  if (!sentinels || sentinels.length === 0) return connection();
  const login = { username: sentinelUsername, password: sentinelPassword };
  const tls = options.enableTLSForSentinelMode ? (options.sentinelTLS ?? {}) : undefined;
  const asked = sentinels.map(({ host = "127.0.0.1", port = 26_379 }) => (): AskedSentinel => {
    const own = { sentinels: null, name: undefined, host, port, db: 0, path: undefined, tls };
    const plain = plainIoRedisOptions(connectTimeoutMs);
    const raw = rawIoRedis(source.duplicate({ ...plain, ...own, ...login }));
    return { open: raw.open, send: raw.send, close: raw.destroy };
  });
  const master = await namedMaster(name, asked, connectTimeoutMs);
  return stillNamed(connection(), { name, master, sentinels: asked });
}

interface Stream {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  destroy(): void;
  unref?(): void;
}

/** @param client a duplicate that nobody else uses */
export function rawIoRedis(client: IoRedisClient): RawClient {
  let gone: (because: unknown) => void = () => undefined;
  let failure: unknown;
  const stream = (): Stream | undefined => (client as { stream?: Stream }).stream;
  // A socket is no reason for the process to stay; calls under way are, and the link sees to those.
  const unref = (): void => stream()?.unref?.();
  client.on("error", (error) => {
    failure ??= error;
  });
  client.on("connect", unref);
  client.on("end", () => gone(failure));
  return {
    async open() {
      const opened = client.connect();
      setImmediate(unref);
      try {
        await opened;
        // A refused password or database is told as an event only, and what follows would go to
        // database 0: an answered PING comes after both.
        await client.callBuffer("PING");
      } catch (error) {
        throw failure ?? error;
      }
      if (failure !== undefined) throw failure;
    },
    send: (words: readonly RedisArgument[]) => client.callBuffer(words[0]!, ...words.slice(1)),
    destroy() {
      client.disconnect();
      stream()?.destroy();
    },
    onGone(listener) {
      gone = listener;
    },
    address() {
      const { path, host, port } = client.options as {
        path?: string;
        host?: string;
        port?: number;
      };
      if (path) return path;
      const { remoteAddress = host, remotePort = port } = stream() ?? {};
      return `${remoteAddress}:${remotePort}`;
    },
  };
}
