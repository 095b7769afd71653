/** Every way to name a Redis gives the same link. */
import { createHash } from "node:crypto";
import { openLink, type RedisSource } from "hasten/redis";
import { startRedis } from "hasten-tools/redis";
import { Redis } from "ioredis";
import { createClient, createClientPool } from "redis";
import { afterAll, beforeAll, expect, test } from "vitest";

let server: Awaited<ReturnType<typeof startRedis>>;
beforeAll(async () => {
  server = await startRedis({ password: "p:@ %" });
});
afterAll(() => server.stop());

const script = {
  name: "add",
  source: "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'ü', redis.status_reply('FINE')}",
};

async function works(source: RedisSource): Promise<void> {
  const link = openLink(source);
  try {
    await link.ready();
    expect(link.server?.version).toMatch(/^\d+\./);
    expect(link.server?.runId).toMatch(/^[0-9a-f]{40}$/);
    const key = `key-${Math.random()}`;
    expect(String(await link.call(["SET", key, Buffer.from([0, 255, 13, 10])]))).toBe("OK");
    expect(await link.call(["GET", key])).toEqual(Buffer.from([0, 255, 13, 10]));
    expect(await link.call(["MGET", key, "absent"])).toEqual([Buffer.from([0, 255, 13, 10]), null]);
    expect(await link.call(["DEL", key])).toBe(1);
    const sha = createHash("sha1").update(script.source).digest("hex");
    await server.command("SCRIPT", "FLUSH");
    for (const sum of [5, 10]) {
      const reply = (await link.script({ ...script, sha }, [key], ["5"])) as readonly unknown[];
      expect([reply[0], reply[1], String(reply[2])]).toEqual([sum, Buffer.from("ü"), "FINE"]);
    }
    await expect(link.call(["LPUSH", key, "x"])).rejects.toMatchObject({
      code: "HST_REDIS_REFUSED",
      reply: "WRONGTYPE",
    });
    const id = await link.call(["XADD", `s${key}`, "*", "f", "v"]);
    const read = await link.block(["XREAD", "BLOCK", "0", "STREAMS", `s${key}`, "0"], 1_000);
    expect(read).toEqual([[Buffer.from(`s${key}`), [[id, [Buffer.from("f"), Buffer.from("v")]]]]]);
    expect(await link.block(["XREAD", "BLOCK", "20", "STREAMS", `s${key}`, "$"], 20)).toBe(null);
    expect(link.state.kind).toBe("ready");
  } finally {
    await link.close();
  }
  expect(link.state.kind).toBe("closed");
  await expect(link.call(["PING"])).rejects.toMatchObject({ code: "HST_REDIS_CLOSED" });
}

test("a URL, with a database", () => works(`${server.url}/3`));

test("an address", () => works({ host: "127.0.0.1", port: server.port, password: "p:@ %", db: 2 }));

test("a node-redis client, whatever its options", async () => {
  const client = createClient({
    url: server.url,
    RESP: 3,
    keyPrefix: "app:",
    pingInterval: 100,
    clientSideCache: { ttl: 0 },
    commandOptions: { timeout: 1 },
  });
  await works(client);
  expect([client.isOpen, client.listenerCount("error")]).toEqual([false, 0]);
});

test("a node-redis pool", async () => {
  const pool = createClientPool({ url: server.url });
  await pool.connect();
  await works(pool);
  await pool.close();
});

test("an ioredis client, whatever its options", async () => {
  const client = new Redis(server.url, {
    lazyConnect: true,
    keyPrefix: "app:",
    commandTimeout: 1,
    enableAutoPipelining: true,
    stringNumbers: true,
  });
  await works(client);
  expect([client.status, client.listenerCount("error")]).toEqual(["wait", 0]);
});
