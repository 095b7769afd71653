/** A Redis Cluster of processes of one's own: masters with equal shares of the slots, and replicas. */
import type { Reply } from "./resp.ts";
import { freePort, type RedisServer, startRedis, within } from "./start.ts";

export interface ClusterOptions {
  /** @default 3 */
  readonly masters?: number;
  /** For each master. @default 0 */
  readonly replicas?: number;
  readonly password?: string;
}

export interface RedisCluster extends AsyncDisposable {
  /** Masters first, as it was made. */
  readonly nodes: readonly RedisServer[];
  /** `redis://` of each. */
  readonly urls: readonly string[];
  /** The server that holds the key's slot now, asked of any that answers. */
  masterOf(key: string): Promise<RedisServer>;
  /** Hands a (keyless) slot from one master to another. */
  moveSlot(slot: number, to: RedisServer): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 1_000;
const READY_LIMIT_MS = 30_000;

export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicas = 0 } = options;
  const nodes: RedisServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let n = 0; n < masters * (1 + replicas); n++) nodes.push(await startNode(options));
    await meet(nodes, masters);
    for (const [n, node] of nodes.slice(masters).entries()) {
      await node.command("CLUSTER", "REPLICATE", await idOf(nodes[n % masters]!));
    }
    const isReady = await within(READY_LIMIT_MS, () => isSettled(nodes, masters));
    if (!isReady) throw new Error("The cluster did not come up in time.");
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    masterOf: (key) => masterOf(nodes, key),
    moveSlot: (slot, to) => moveSlot(nodes, slot, to),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startNode({ password }: ClusterOptions): Promise<RedisServer> {
  return await startRedis({
    ...(password !== undefined && { password }),
    flags: [
      ...["--cluster-enabled", "yes", "--cluster-node-timeout", String(NODE_TIMEOUT_MS)],
      // By default the port and 10,000, which may be more than there are.
      ...["--cluster-port", String(await freePort())],
    ],
  });
}

async function meet(nodes: readonly RedisServer[], masters: number): Promise<void> {
  for (const [n, node] of nodes.slice(0, masters).entries()) {
    const first = Math.round((n * SLOTS) / masters);
    const last = Math.round(((n + 1) * SLOTS) / masters) - 1;
    await node.command("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", String(n + 1));
  }
  const [first, ...others] = nodes;
  for (const node of others) {
    const port = await busPort(first!);
    await node.command("CLUSTER", "MEET", "127.0.0.1", String(first!.port), port);
  }
  const all = await within(READY_LIMIT_MS, async () => {
    const lists = await Promise.all(nodes.map((node) => node.command("CLUSTER", "NODES")));
    return lists.every((list) => {
      const lines = String(list).trim().split("\n");
      return lines.length === nodes.length && !String(list).includes("handshake");
    });
  });
  if (!all) throw new Error("The nodes of the cluster did not meet in time.");
}

async function busPort(node: RedisServer): Promise<string> {
  const reply = (await node.command("CONFIG", "GET", "cluster-port")) as readonly Reply[];
  return String(reply[1]);
}

const idOf = async (node: RedisServer): Promise<string> =>
  String(await node.command("CLUSTER", "MYID"));

async function isSettled(nodes: readonly RedisServer[], masters: number): Promise<boolean> {
  const infos = await Promise.all(nodes.map((node) => node.command("CLUSTER", "INFO")));
  if (!infos.every((info) => String(info).includes("cluster_state:ok"))) return false;
  const replicas = await Promise.all(
    nodes.slice(masters).map((node) => node.command("INFO", "replication")),
  );
  return replicas.every((info) => String(info).includes("master_link_status:up"));
}

async function masterOf(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  for (const node of nodes) {
    const slot = Number(await node.command("CLUSTER", "KEYSLOT", key).catch(() => -1));
    if (slot < 0) continue;
    const ranges = (await node.command("CLUSTER", "SLOTS")) as readonly (readonly Reply[])[];
    const range = ranges.find(([from, to]) => Number(from) <= slot && slot <= Number(to));
    const port = Number((range?.[2] as readonly Reply[] | undefined)?.[1]);
    const found = nodes.find((one) => one.port === port);
    if (found !== undefined) return found;
  }
  throw new Error(`No node of the cluster says who holds ${key}.`);
}

async function moveSlot(
  nodes: readonly RedisServer[],
  slot: number,
  to: RedisServer,
): Promise<void> {
  const id = await idOf(to);
  // Else nodes that are not told here (replicas) believe the former holder's higher epoch.
  await to.command("CLUSTER", "BUMPEPOCH");
  // The new holder first: the others then follow by gossip what they are told here at once.
  for (const node of [to, ...nodes.filter((one) => one !== to)]) {
    const role = (await node.command("ROLE")) as readonly Reply[];
    if (role[0] === "master") await node.command("CLUSTER", "SETSLOT", String(slot), "NODE", id);
  }
}
