/**
 * The master of a key's slot, asked of a duplicate of the user's cluster client, so that its start
 * nodes, credentials and address mapping hold. The duplicate is gone once it has answered.
 */
import { duplicateNodeRedis } from "./node-redis.ts";
import { optionsOfDuplicate } from "./options-of-duplicate.ts";
import type { IoRedisClient, IoRedisCluster, NodeRedisClient, NodeRedisCluster } from "./shapes.ts";
import { slotOf } from "./slot.ts";

interface ClusterOptions {
  readonly defaults?: { readonly socket?: object };
  readonly rootNodes?: readonly { readonly socket?: object }[];
}

/** An unused client of the master that holds the key. */
export async function masterOfNodeRedisCluster(
  cluster: NodeRedisCluster,
  key: string,
  connectTimeoutMs: number,
): Promise<NodeRedisClient> {
  const { defaults } = (optionsOfDuplicate(cluster) ?? {}) as ClusterOptions;
  const socket = {
    ...defaults?.socket,
    reconnectStrategy: false,
    connectTimeout: connectTimeoutMs,
  };
  const own = cluster.duplicate({
    minimizeConnections: true,
    useReplicas: false,
    topologyRefreshOnReconnectionAttemptStrategy: false,
    clientSideCache: undefined,
    keyPrefix: undefined,
    defaults: { ...defaults, maintNotifications: "disabled", clientSideCache: undefined, socket },
  });
  const failures: unknown[] = [];
  own.on("error", (error) => failures.push(error));
  own.on("node-error", (error) => failures.push(error));
  const giveUp = setTimeout(() => destroyQuietly(own), connectTimeoutMs);
  giveUp.unref();
  try {
    await own.connect();
    const { master } = (own.slots[slotOf(key)] ?? {}) as { readonly master?: unknown };
    if (master === undefined) throw new Error("no server of the cluster holds the slot");
    const node = (await own.nodeClient(master)) as NodeRedisClient;
    return duplicateNodeRedis(node, connectTimeoutMs);
  } catch (error) {
    throw failures[0] ?? error;
  } finally {
    clearTimeout(giveUp);
    destroyQuietly(own);
  }
}

function destroyQuietly(cluster: NodeRedisCluster): void {
  try {
    cluster.destroy();
  } catch {
    // It was not open.
  }
}

/** The same for ioredis: a client that is not connected yet, with these options on top of its own. */
export async function masterOfIoRedisCluster(
  cluster: IoRedisCluster,
  key: string,
  plain: object,
): Promise<IoRedisClient> {
  const own = cluster.duplicate([], {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    clusterRetryStrategy: () => null,
    clusterNodeRetryStrategy: null,
    slotsRefreshInterval: undefined,
    shardedSubscribers: false,
    scaleReads: "master",
    keyPrefix: "",
    scripts: undefined,
    himportFieldsets: undefined,
    redisOptions: { ...redisOptionsOf(cluster), keyPrefix: "", autoResubscribe: false },
  });
  let failure: unknown;
  own.on("error", (error) => {
    failure = error;
  });
  try {
    await own.connect();
    const [address] = (own.slots as readonly (readonly string[])[])[slotOf(key)] ?? [];
    const node = own.nodes("master").find((one) => addressOf(one) === address);
    if (node === undefined) throw new Error("no server of the cluster holds the slot");
    return node.duplicate(plain);
  } catch (error) {
    throw lastNodeError(failure) ?? error;
  } finally {
    own.disconnect();
  }
}

function redisOptionsOf(cluster: IoRedisCluster): object {
  return (cluster.options as { redisOptions?: object } | undefined)?.redisOptions ?? {};
}

function lastNodeError(failure: unknown): unknown {
  return (failure as { lastNodeError?: unknown } | undefined)?.lastNodeError ?? failure;
}

function addressOf(client: IoRedisClient): string {
  const { host, port } = client.options as { host?: string; port?: number };
  return `${host}:${port}`;
}
