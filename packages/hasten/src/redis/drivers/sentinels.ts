/** The master that node-redis' Sentinel client would use, as a plain client of its address. */

import { type AskedSentinel, namedMaster, stillNamed } from "./masters.ts";
import { plainNodeRedisOptions, rawNodeRedis } from "./node-redis.ts";
import { optionsOfDuplicate } from "./options-of-duplicate.ts";
import type { RawClient } from "./raw.ts";
import type { NodeRedisClient, NodeRedisSentinel } from "./shapes.ts";

interface Node {
  readonly host: string;
  readonly port: number;
}

interface ClientOptions {
  readonly socket?: object;
}

interface SentinelOptions {
  readonly name: string;
  readonly sentinelRootNodes: readonly Node[];
  readonly nodeClientOptions?: ClientOptions;
  readonly sentinelClientOptions?: ClientOptions;
  readonly nodeAddressMap?:
    | Readonly<Record<string, Node>>
    | ((address: string) => Node | undefined)
    | undefined;
}

export function optionsOfSentinel(sentinel: NodeRedisSentinel): SentinelOptions {
  const options = optionsOfDuplicate(sentinel);
  if (!isSentinelOptions(options)) {
    throw new TypeError("this version of node-redis does not tell its Sentinel options");
  }
  return options;
}

function isSentinelOptions(value: unknown): value is SentinelOptions {
  const { name, sentinelRootNodes } = (value ?? {}) as Partial<SentinelOptions>;
  return typeof name === "string" && Array.isArray(sentinelRootNodes);
}

export async function masterOfSentinel(
  options: SentinelOptions,
  createClient: (options: object) => NodeRedisClient,
  connectTimeoutMs: number,
): Promise<RawClient> {
  const client = (node: Node, own: ClientOptions | undefined): NodeRedisClient => {
    const socket = { ...own?.socket, ...mapped(options, node) };
    return createClient({ ...own, ...plainNodeRedisOptions(socket, connectTimeoutMs) });
  };
  const sentinels = options.sentinelRootNodes.map(
    (node) => () => asked(client(node, options.sentinelClientOptions)),
  );
  const { name } = options;
  const master = await namedMaster(name, sentinels, connectTimeoutMs);
  const raw = rawNodeRedis(client(master, options.nodeClientOptions));
  return stillNamed(raw, { name, master, sentinels });
}

function mapped({ nodeAddressMap }: SentinelOptions, node: Node): Node {
  const address = `${node.host}:${node.port}`;
  const other =
    typeof nodeAddressMap === "function" ? nodeAddressMap(address) : nodeAddressMap?.[address];
  return other ?? { host: node.host, port: node.port };
}

function asked(client: NodeRedisClient): AskedSentinel {
  client.on("error", () => undefined);
  client.unref();
  return {
    open: () => client.connect(),
    send: (words) => client.sendCommand(words),
    close: () => destroyQuietly(client),
  };
}

function destroyQuietly(client: NodeRedisClient): void {
  try {
    client.destroy();
  } catch {
    // It is not open any more.
  }
}
