/** The master that node-redis' Sentinel client would use, as a plain client of its address. */
import { plainNodeRedisOptions } from "./node-redis.ts";
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

/** Its class keeps them private; what `duplicate` hands to the constructor is all of them. */
export function optionsOfSentinel(sentinel: NodeRedisSentinel): SentinelOptions {
  let options: unknown;
  const prototype = Object.create(Object.getPrototypeOf(sentinel) as object) as object;
  Object.defineProperty(prototype, "constructor", {
    value: function capture(given: unknown): void {
      options = given;
    },
  });
  const asked = Object.create(prototype, {
    _self: { value: (sentinel as { _self?: object })._self ?? sentinel },
  }) as NodeRedisSentinel;
  asked.duplicate();
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
): Promise<NodeRedisClient> {
  const client = (node: Node, own: ClientOptions | undefined): NodeRedisClient => {
    const socket = { ...own?.socket, ...mapped(options, node) };
    return createClient({ ...own, ...plainNodeRedisOptions(socket, connectTimeoutMs) });
  };
  let failure: unknown = new Error("no Sentinel is named");
  const limitMs = connectTimeoutMs / options.sentinelRootNodes.length;
  for (const sentinel of options.sentinelRootNodes) {
    try {
      const master = await ask(
        client(sentinel, options.sentinelClientOptions),
        options.name,
        limitMs,
      );
      return client(master, options.nodeClientOptions);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function mapped({ nodeAddressMap }: SentinelOptions, node: Node): Node {
  const address = `${node.host}:${node.port}`;
  const other =
    typeof nodeAddressMap === "function" ? nodeAddressMap(address) : nodeAddressMap?.[address];
  return other ?? { host: node.host, port: node.port };
}

async function ask(client: NodeRedisClient, name: string, limitMs: number): Promise<Node> {
  client.on("error", () => undefined);
  client.unref();
  const giveUp = setTimeout(() => client.destroy(), limitMs);
  giveUp.unref();
  try {
    await client.connect();
    const reply = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
    if (!Array.isArray(reply)) throw new Error(`the Sentinel knows no master ${name}`);
    return { host: String(reply[0]), port: Number(String(reply[1])) };
  } finally {
    clearTimeout(giveUp);
    destroyQuietly(client);
  }
}

function destroyQuietly(client: NodeRedisClient): void {
  try {
    client.destroy();
  } catch {
    // It is not open any more.
  }
}
