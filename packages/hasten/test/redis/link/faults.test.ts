/** What a link does when a real server misbehaves. */
import { openLink, type RedisLink, type RedisSource } from "hasten/redis";
import { type RedisServer, startCluster, startRedis, startSentinels } from "hasten-tools/redis";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster, createSentinel } from "redis";
import { describe, expect, test } from "vitest";

/** Beyond the time-out: two cores, several runs. */
const SLACK_MS = 60;

interface Outcome {
  readonly code: string;
  readonly tookMs: number;
  readonly message: string;
}

async function outcomeOf(link: RedisLink, words: readonly string[] = ["PING"]): Promise<Outcome> {
  const startMs = performance.now();
  const error = await link.call(words).then(
    () => ({ code: "answered", message: "" }),
    (reason: { code: string; message: string }) => reason,
  );
  return { code: error.code, message: error.message, tookMs: performance.now() - startMs };
}

async function linked(
  source: RedisSource,
  work: (link: RedisLink, states: readonly string[]) => Promise<void>,
  options: Parameters<typeof openLink>[1] = {},
): Promise<void> {
  const link = openLink(source, { timeoutMs: 100, probeTimeoutMs: 400, ...options });
  const states: string[] = [];
  link.onState(({ kind }) => states.push(kind));
  try {
    await work(link, states);
  } finally {
    await link.close();
  }
}

const sources: readonly (readonly [string, (server: RedisServer) => RedisSource])[] = [
  ["node-redis", ({ url }) => createClient({ url })],
  ["ioredis", ({ url }) => new Redis(url, { lazyConnect: true })],
];

describe.for(sources)("%s", ([, source]) => {
  test("unreachable at start: refuses at once, goes on trying, is ready when the server is", async () => {
    await withServer(startRedis(), async (server) => {
      await server.kill();
      await linked(source(server), async (link) => {
        await expect.poll(() => link.state.attempts).toBeGreaterThan(2);
        const { code, tookMs, message } = await outcomeOf(link);
        expect(code).toBe("HST_REDIS_UNAVAILABLE");
        expect(tookMs).toBeLessThan(10);
        expect(message).toMatch(/ECONNREFUSED/);
        expect(link.state.kind).toBe("connecting");
        await server.restart();
        await link.ready();
        expect(await outcomeOf(link)).toMatchObject({ code: "answered" });
        expect(link.generation).toBe(1);
      });
    });
  });

  test("killed and restarted: what was under way is lost, the new run is known before it answers", async () => {
    await withServer(startRedis(), async (server) => {
      await linked(source(server), async (link, states) => {
        await link.ready();
        const first = link.server!.runId;
        const blocked = link.block(["XREAD", "BLOCK", "0", "STREAMS", "none", "$"], 60_000);
        const rejected = expect(blocked).rejects.toMatchObject({ code: "HST_REDIS_LOST" });
        await expect.poll(() => server.command("CLIENT", "LIST")).toContain("cmd=xread");
        server.pause();
        const underWay = outcomeOf(link);
        await server.kill();
        expect((await underWay).code).toBe("HST_REDIS_LOST");
        await rejected;
        expect([link.state.kind, link.server]).toEqual(["lost", undefined]);
        expect((await outcomeOf(link)).code).toBe("HST_REDIS_UNAVAILABLE");
        await server.restart();
        await link.ready();
        expect(link.server!.runId).toMatch(/^[0-9a-f]{40}$/);
        expect(link.server!.runId).not.toBe(first);
        expect([link.generation, states.at(0), states.at(-1)]).toEqual([2, "ready", "ready"]);
      });
    });
  });

  test("stopped in its tracks: one time-out, then none, until it answers again", async () => {
    await withServer(startRedis(), async (server) => {
      await linked(source(server), async (link) => {
        await link.ready();
        server.pause();
        const first = await outcomeOf(link);
        expect(first.code).toBe("HST_REDIS_TIMEOUT");
        expect(first.tookMs).toBeGreaterThanOrEqual(99);
        expect(first.tookMs).toBeLessThan(100 + SLACK_MS);
        expect(link.state.kind).toBe("suspect");
        const second = await outcomeOf(link);
        expect(second.code).toBe("HST_REDIS_UNAVAILABLE");
        expect(second.tookMs).toBeLessThan(10);
        server.resume();
        await link.ready();
        expect(link.generation).toBe(1);
        server.pause();
        expect((await outcomeOf(link)).code).toBe("HST_REDIS_TIMEOUT");
        // Longer than the probe waits: the connection is given up.
        await expect.poll(() => link.state.kind).toBe("lost");
        server.resume();
        await link.ready();
        expect(link.generation).toBe(2);
      });
    });
  });

  test("CLIENT KILL and CLIENT PAUSE", async () => {
    await withServer(startRedis(), async (server) => {
      await linked(source(server), async (link, states) => {
        await link.ready();
        await server.command("CLIENT", "KILL", "TYPE", "normal");
        await expect.poll(() => link.generation).toBe(2);
        await server.command("CLIENT", "PAUSE", "300", "ALL");
        expect((await outcomeOf(link)).code).toBe("HST_REDIS_TIMEOUT");
        await link.ready();
        expect(link.generation).toBe(2);
        expect(states).toEqual(["ready", "lost", "ready", "suspect", "ready"]);
      });
    });
  });

  test("a replica is no server for this; a master made a replica is left at once", async () => {
    await withServer(startRedis(), async (master) => {
      await withServer(startRedis({ replicaOf: master }), async (replica) => {
        await linked(source(replica), async (link) => {
          await expect.poll(() => link.state.because).toMatch(/is a replica of 127.0.0.1/);
          await replica.command("REPLICAOF", "NO", "ONE");
          await link.ready();
          await replica.command("REPLICAOF", "127.0.0.1", String(master.port));
          // Without a write: the role is asked for.
          await expect.poll(() => link.state.kind, { interval: 5 }).toBe("lost");
          await replica.command("REPLICAOF", "NO", "ONE");
          await link.ready();
        });
        await linked(
          source(replica),
          async (link) => {
            await link.ready();
            await replica.command("REPLICAOF", "127.0.0.1", String(master.port));
            expect(await outcomeOf(link, ["SET", "a", "1"])).toMatchObject({
              code: "HST_REDIS_UNAVAILABLE",
              message: expect.stringMatching(/READONLY/),
            });
            expect(link.state.kind).toBe("lost");
          },
          { roleCheckMs: 60_000 },
        );
      });
    });
  });

  test("full, without eviction: writes are refused, reads go on", async () => {
    await withServer(startRedis(), async (server) => {
      await server.command("SET", "a", "1");
      await server.command("CONFIG", "SET", "maxmemory", "1");
      await linked(source(server), async (link) => {
        await link.ready();
        await expect(link.call(["SET", "b", "1"])).rejects.toMatchObject({
          code: "HST_REDIS_REFUSED",
          reply: "OOM",
          outcomeUnknown: false,
        });
        expect(String(await link.call(["GET", "a"]))).toBe("1");
        expect(link.state.kind).toBe("ready");
      });
    });
  });

  test("a script that blocks everyone: suspect until it ends", async () => {
    await withServer(startRedis({ flags: ["--busy-reply-threshold", "20"] }), async (server) => {
      await linked(source(server), async (link) => {
        await link.ready();
        const endless = server.command("EVAL", "while true do end", "0").catch(() => undefined);
        await expect.poll(() => server.command("PING").catch(String)).toMatch(/BUSY/);
        expect((await outcomeOf(link)).code).not.toBe("answered");
        expect(link.state.kind).toBe("suspect");
        await server.command("SCRIPT", "KILL");
        await endless;
        await link.ready();
        expect(link.generation).toBe(1);
      });
    });
  });

  test("wrong password: never ready, the reason is told, the password is not", async () => {
    await withServer(startRedis({ password: "right" }), async (server) => {
      const wrong = server.url.replace("right", "wr0ng-secret");
      await linked(source({ ...server, url: wrong }), async (link) => {
        await expect.poll(() => link.state.because).toMatch(/WRONGPASS/);
        const { code, message } = await outcomeOf(link);
        expect(code).toBe("HST_REDIS_UNAVAILABLE");
        expect(message + link.state.because).not.toContain("wr0ng");
      });
    });
  });

  test("TLS: plain text to a TLS port, TLS to a plain one, an unknown authority", async () => {
    await withServer(startRedis({ tls: true }), async (tls) => {
      await withServer(startRedis(), async (plain) => {
        const urls = [
          tls.url.replace("rediss:", "redis:"),
          plain.url.replace("redis:", "rediss:"),
          tls.url,
        ];
        for (const url of urls) {
          await linked(
            source({ ...plain, url }),
            async (link) => {
              await expect.poll(() => link.state.attempts, { timeout: 5_000 }).toBeGreaterThan(1);
              expect(link.state.because).toBeTruthy();
              expect((await outcomeOf(link)).code).toBe("HST_REDIS_UNAVAILABLE");
            },
            { connectTimeoutMs: 500 },
          );
        }
      });
    });
  });

  test("busy with other work here: answers that have arrived count", async () => {
    await withServer(startRedis(), async (server) => {
      await linked(source(server), async (link) => {
        await link.ready();
        const answer = outcomeOf(link);
        await new Promise((resolve) => setTimeout(resolve, 1));
        const endMs = performance.now() + 300;
        while (performance.now() < endMs);
        expect((await answer).code).toBe("answered");
        expect(link.state.kind).toBe("ready");
      });
    });
  });

  test("a bound on calls under way", async () => {
    await withServer(startRedis(), async (server) => {
      await linked(
        source(server),
        async (link) => {
          await link.ready();
          const codes = await Promise.all([1, 2, 3].map(() => outcomeOf(link)));
          expect(codes.map(({ code }) => code)).toEqual(["answered", "answered", "HST_REDIS_BUSY"]);
          expect((await outcomeOf(link)).code).toBe("answered");
        },
        { callsMax: 2, roleCheckMs: 60_000 },
      );
    });
  });

  test("nothing is left of links that were closed, in whichever state", async () => {
    await withServer(startRedis(), async (server) => {
      await withServer(startRedis(), async (stopped) => {
        const own = (): readonly string[] => process.getActiveResourcesInfo().sort();
        // Not by expect.poll, whose own timers would be counted.
        for (let n = 0; n < 100 && own().includes("TCPSocketWrap"); n++) await pause(20);
        const before = own();
        for (let round = 0; round < 5; round++) {
          const links = [server, server, stopped].map((one) => openLink(source(one)));
          await Promise.all(links.map((link) => link.ready()));
          stopped.pause();
          const answers = links.map((link) => outcomeOf(link));
          const blocked = links[0]!.block(["XREAD", "BLOCK", "0", "STREAMS", "none", "$"], 60_000);
          const rejected = expect(blocked).rejects.toThrow();
          const connecting = openLink(source(stopped));
          await pause(round * 5);
          await Promise.all([...links, connecting].map((link) => link.close()));
          await Promise.all([...answers, rejected]);
          stopped.resume();
        }
        for (let n = 0; n < 100 && own().length > before.length; n++) await pause(20);
        // A timer of the test runner may have ended meanwhile.
        expect(own().length).toBeLessThanOrEqual(before.length);
        expect(own()).not.toContain("TCPSocketWrap");
        // Sockets that do not keep the process alive are not in that list.
        for (const one of [server, stopped]) {
          await expect.poll(() => one.command("CLIENT", "LIST")).toMatch(/^[^\n]*\n$/);
        }
      });
    });
  });
});

test.each([
  [
    "node-redis",
    (nodes: readonly { host: string; port: number }[], name: string) =>
      createSentinel({ name, sentinelRootNodes: [...nodes] }),
  ],
  [
    "ioredis",
    (nodes: readonly { host: string; port: number }[], name: string) =>
      new Redis({ name, sentinels: [...nodes], lazyConnect: true }),
  ],
] as const)(
  "%s: a failover by Sentinel",
  async (_, source) => {
    await withServer(startRedis(), async (one) => {
      await withServer(startRedis({ replicaOf: one }), async (two) => {
        await withServer(startSentinels({ master: one }), async (sentinels) => {
          await linked(source(sentinels.nodes, sentinels.name), async (link) => {
            await link.ready();
            expect(link.server!.address).toContain(String(one.port));
            await one.kill();
            await expect
              .poll(() => link.server?.address, { timeout: 20_000 })
              .toContain(String(two.port));
            expect(await outcomeOf(link, ["SET", "a", "1"])).toMatchObject({ code: "answered" });
          });
        });
      });
    });
  },
  60_000,
);

test.each([
  ["node-redis", (url: string) => createCluster({ rootNodes: [{ url }] })],
  ["ioredis", (url: string) => new Cluster([url], { lazyConnect: true })],
] as const)(
  "%s: a slot that moves, and its master's replica taking over",
  async (_, source) => {
    await withServer(startCluster({ masters: 3, replicas: 1 }), async (cluster) => {
      const [key, other] = ["{a}", cluster.nodes.slice(0, 3)] as const;
      await linked(
        source(cluster.urls[4]!),
        async (link) => {
          await link.ready();
          const holder = await cluster.masterOf(key);
          expect(link.server!.address).toContain(String(holder.port));
          const to = other.find((node) => node !== holder)!;
          await cluster.moveSlot(Number(await to.command("CLUSTER", "KEYSLOT", key)), to);
          expect(await outcomeOf(link, ["GET", key])).toMatchObject({
            code: "HST_REDIS_UNAVAILABLE",
          });
          await expect.poll(() => link.server?.address).toContain(String(to.port));
          expect(await outcomeOf(link, ["SET", key, "1"])).toMatchObject({ code: "answered" });
          await to.kill();
          await expect
            .poll(
              () => link.server !== undefined && !link.server.address.includes(String(to.port)),
              { timeout: 20_000 },
            )
            .toBe(true);
          expect(await outcomeOf(link, ["GET", key])).toMatchObject({ code: "answered" });
        },
        { key },
      );
    });
  },
  60_000,
);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function withServer<T extends AsyncDisposable>(
  starting: Promise<T>,
  work: (made: T) => Promise<void>,
): Promise<void> {
  await using made = await starting;
  await work(made);
}
