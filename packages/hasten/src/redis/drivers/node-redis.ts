/** Plain connections made with node-redis (`redis`), from clients configured by the user. */
import type { RedisArgument } from "../types.ts";
import type { RawClient } from "./raw.ts";
import type { NodeRedisClient } from "./shapes.ts";

/** `$` of RESP: bulk strings, as bytes. */
const BULK_STRING = 36;
const BYTES: object = { timeout: undefined, typeMapping: { [BULK_STRING]: Buffer } };

/** What makes a client of theirs a connection that does not heal by itself and changes no command. */
export function plainNodeRedisOptions(socket: object, connectTimeoutMs: number): object {
  return {
    // RESP3 answers in other shapes (maps for XREAD); RESP2 is understood everywhere.
    RESP: 2,
    disableOfflineQueue: true,
    clientSideCache: undefined,
    emitInvalidate: false,
    maintNotifications: "disabled",
    pingInterval: undefined,
    commandsQueueMaxLength: undefined,
    keyPrefix: undefined,
    readonly: false,
    commandOptions: BYTES,
    socket: {
      ...socket,
      reconnectStrategy: false,
      connectTimeout: connectTimeoutMs,
      socketTimeout: undefined,
    },
  };
}

export function duplicateNodeRedis(
  client: NodeRedisClient,
  connectTimeoutMs: number,
): NodeRedisClient {
  return client.duplicate(plainNodeRedisOptions(socketOf(client), connectTimeoutMs));
}

function socketOf(client: NodeRedisClient): { readonly [option: string]: unknown } {
  const { options } = client as { options?: { socket?: { [option: string]: unknown } } };
  return options?.socket ?? {};
}

/** @param client a duplicate that nobody else uses */
export function rawNodeRedis(client: NodeRedisClient): RawClient {
  let gone: (because: unknown) => void = () => undefined;
  let isDestroyed = false;
  let failure: unknown;
  client.on("error", (error) => {
    failure = error;
    if (!client.isReady) gone(error);
  });
  client.on("end", () => gone(failure));
  // A socket is no reason for the process to stay; calls under way are, and the link sees to those.
  client.unref();
  return {
    open: () => client.connect(),
    send: (words: readonly RedisArgument[]) => client.sendCommand(words, BYTES),
    destroy() {
      if (isDestroyed) return;
      isDestroyed = true;
      try {
        client.destroy();
      } catch {
        // Version 5 throws where nothing is open any more.
      }
    },
    onGone(listener) {
      gone = listener;
    },
    address() {
      const { path, host, port } = socketOf(client);
      return path === undefined ? `${host ?? "localhost"}:${port ?? 6379}` : String(path);
    },
  };
}
