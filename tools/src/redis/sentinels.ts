/** Sentinels that watch a master of `startRedis` and fail over within a second or two. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { redisServerProgram } from "./binaries.ts";
import { type Reply, redisCommands } from "./resp.ts";
import { freePort, within } from "./start.ts";
import { type ServerProcess, superviseServer, temporaryFolder } from "./supervise.ts";

export interface SentinelsOptions {
  readonly master: { readonly port: number; readonly password?: string | undefined };
  /** @default "main" */
  readonly name?: string;
  /** How many Sentinels. @default 3 */
  readonly count?: number;
  /** @default a majority */
  readonly quorum?: number;
  /** They wait until the master tells them of so many. @default 1 */
  readonly replicas?: number;
}

export interface Sentinels extends AsyncDisposable {
  readonly name: string;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** Port of what they hold for the master now. */
  masterPort(): Promise<number>;
  /** Starts a failover with the master alive; resolves when another one is named. */
  failover(): Promise<number>;
  command(...words: readonly string[]): Promise<Reply>;
  stop(): Promise<void>;
}

const DOWN_AFTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 3_000;
const READY_LIMIT_MS = 20_000;

export async function startSentinels(options: SentinelsOptions): Promise<Sentinels> {
  const { name = "main", count = 3, replicas = 1 } = options;
  const program = redisServerProgram();
  const folder = temporaryFolder();
  const nodes: { readonly host: string; readonly port: number; readonly process: ServerProcess }[] =
    [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ process }) => process.stop()));
    folder.remove();
  };
  try {
    for (let n = 0; n < count; n++) {
      const port = await freePort();
      const file = join(folder.path, `sentinel-${port}.conf`);
      writeFileSync(file, configuration({ ...options, name, count, port }));
      const process = await superviseServer(program, [file, "--sentinel"], folder.path);
      nodes.push({ host: "127.0.0.1", port, process });
    }
    const know = await within(READY_LIMIT_MS, async () => {
      const all = await Promise.all(nodes.map(({ port }) => known(port, name)));
      return all.every((one) => one.sentinels >= count - 1 && one.replicas >= replicas);
    });
    if (!know) throw new Error(`The Sentinels do not agree:\n${nodes[0]!.process.lastLines()}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return sentinels(name, nodes, stop);
}

function configuration(
  of: SentinelsOptions & { readonly name: string; readonly count: number; readonly port: number },
): string {
  const { name, master, port, count, quorum = Math.floor(count / 2) + 1 } = of;
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `sentinel monitor ${name} 127.0.0.1 ${master.port} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${name} ${FAILOVER_TIMEOUT_MS}`,
    ...(master.password === undefined
      ? []
      : [`sentinel auth-pass ${name} ${JSON.stringify(master.password)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

async function known(
  port: number,
  name: string,
): Promise<{ readonly sentinels: number; readonly replicas: number }> {
  try {
    const [sentinelList, replicaList] = await redisCommands({ port }, [
      ["SENTINEL", "SENTINELS", name],
      ["SENTINEL", "REPLICAS", name],
    ]);
    return { sentinels: lengthOf(sentinelList!), replicas: lengthOf(replicaList!) };
  } catch {
    return { sentinels: -1, replicas: -1 };
  }
}

const lengthOf = (reply: Reply): number => (Array.isArray(reply) ? reply.length : 0);

function sentinels(
  name: string,
  nodes: readonly { readonly host: string; readonly port: number }[],
  stop: () => Promise<void>,
): Sentinels {
  const command = async (...words: readonly string[]): Promise<Reply> =>
    (await redisCommands(nodes[0]!, [words]))[0]!;
  const masterPort = async (): Promise<number> => {
    const reply = await command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name);
    return Number((reply as readonly Reply[])[1]);
  };
  return {
    name,
    nodes: nodes.map(({ host, port }) => ({ host, port })),
    command,
    masterPort,
    async failover() {
      const before = await masterPort();
      await command("SENTINEL", "FAILOVER", name);
      let now = before;
      const changed = await within(READY_LIMIT_MS, async () => {
        now = await masterPort();
        return now !== before;
      });
      if (!changed) throw new Error("The Sentinels named no other master in time.");
      return now;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
