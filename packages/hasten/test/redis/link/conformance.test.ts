/** The conformance suite on real servers: every client × every kind of server. */
import { type RedisSource, redisDriver } from "hasten/redis";
import { type RedisServerControl, redisDriverConformance } from "hasten/testing";
import {
  type RedisCluster,
  type RedisServer,
  type Sentinels,
  startCluster,
  startRedis,
  startSentinels,
} from "hasten-tools/redis";
import { Cluster, Redis } from "ioredis";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { afterAll, beforeAll, describe, test } from "vitest";

const controlled = (server: () => RedisServer): RedisServerControl => ({
  pause: () => server().pause(),
  resume: () => server().resume(),
  kill: () => server().kill(),
  restart: () => server().restart(),
});

function suite(name: string, source: () => RedisSource, control?: RedisServerControl): void {
  describe(name, () => {
    const cases = redisDriverConformance({
      driver: () => redisDriver(source()),
      ...(control !== undefined && { control }),
    });
    for (const { name: what, run } of cases) test(what, run, 60_000);
  });
}

describe("standalone, with a password and a database", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ password: "p:@ %" });
  });
  afterAll(() => server?.stop());
  const control = controlled(() => server);
  suite("a URL", () => `${server.url}/5`, control);
  suite("node-redis", () => createClient({ url: server.url, database: 5, RESP: 3 }), control);
  suite("ioredis", () => new Redis(server.url, { db: 5, lazyConnect: true }), control);
});

describe("a node-redis pool", () => {
  let server: RedisServer;
  let pool: ReturnType<typeof createClientPool>;
  beforeAll(async () => {
    server = await startRedis();
    pool = createClientPool({ url: server.url });
    await pool.connect();
  });
  afterAll(async () => {
    await pool?.close();
    await server?.stop();
  });
  suite("open", () => pool);
});

describe("TLS", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ tls: true, password: "secret" });
  });
  afterAll(() => server?.stop());
  const control = controlled(() => server);
  const { hostname: host } = new URL("rediss://localhost");
  suite(
    "an address",
    () => ({ host, port: server.port, password: "secret", tls: { ca: server.ca! } }),
    control,
  );
  suite(
    "node-redis",
    () => createClient({ url: server.url, socket: { tls: true, ca: server.ca! } }),
    control,
  );
  suite(
    "ioredis",
    () => new Redis(server.url, { lazyConnect: true, tls: { ca: server.ca! } }),
    control,
  );
});

describe("Sentinel", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let sentinels: Sentinels;
  beforeAll(async () => {
    master = await startRedis({ password: "secret" });
    replica = await startRedis({ password: "secret", replicaOf: master });
    sentinels = await startSentinels({ master });
  });
  afterAll(async () => {
    await sentinels?.stop();
    await Promise.all([master?.stop(), replica?.stop()]);
  });
  suite("node-redis", () =>
    createSentinel({
      name: sentinels.name,
      sentinelRootNodes: [...sentinels.nodes],
      nodeClientOptions: { password: "secret" },
    }));
  // The failover: what is killed stays dead, and the driver has to find the other.
  suite(
    "ioredis, and a failover",
    () =>
      new Redis({
        name: sentinels.name,
        sentinels: [...sentinels.nodes],
        password: "secret",
        lazyConnect: true,
      }),
    {
      pause: () => master.pause(),
      resume: () => master.resume(),
      kill: () => master.kill(),
      restart: () => undefined,
    },
  );
  suite("node-redis after it", () =>
    createSentinel({
      name: sentinels.name,
      sentinelRootNodes: [...sentinels.nodes],
      nodeClientOptions: { password: "secret" },
    }));
});

describe("Cluster of three masters", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3, password: "secret" });
  });
  afterAll(() => cluster?.stop());
  suite("node-redis", () =>
    createCluster({
      rootNodes: [{ url: cluster.urls[0]! }],
      defaults: { password: "secret" },
    }));
  suite("ioredis", () =>
    new Cluster([{ host: "127.0.0.1", port: cluster.nodes[1]!.port }], {
      lazyConnect: true,
      redisOptions: { password: "secret" },
    }));
});
