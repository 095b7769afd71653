/** The Redis of a run: one server, or two that Sentinels watch. */
import { type RedisServer, startRedis, startSentinels } from "hasten-tools/redis";
import type { RedisPlace } from "./messages.ts";

export interface ChaosRedis extends AsyncDisposable {
  readonly place: RedisPlace;
  /** The one that is used now. */
  master(): Promise<RedisServer>;
  /** Undefined where there is only one server. */
  readonly sentinels: { masterPort(): Promise<number> } | undefined;
}

const FLAGS = ["--maxmemory-policy", "allkeys-lru", "--repl-backlog-size", "1mb"];

export async function oneServer(): Promise<ChaosRedis> {
  const server = await startRedis({ flags: FLAGS });
  return {
    place: { kind: "server", url: server.url },
    master: async () => server,
    sentinels: undefined,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

export async function watchedServers(): Promise<ChaosRedis> {
  const first = await startRedis({ flags: FLAGS });
  const second = await startRedis({ flags: FLAGS, replicaOf: { port: first.port } });
  const sentinels = await startSentinels({ master: { port: first.port } });
  const both = [first, second];
  return {
    place: { kind: "sentinels", name: sentinels.name, nodes: sentinels.nodes },
    async master() {
      const port = await sentinels.masterPort();
      return both.find((one) => one.port === port) ?? first;
    },
    sentinels,
    async [Symbol.asyncDispose]() {
      await sentinels.stop();
      await Promise.all(both.map((one) => one.stop()));
    },
  };
}
