import { expect, test } from "vitest";
import { startCluster, startRedis, startSentinels } from "./index.ts";

test("Sentinels name another master on demand, and when the master dies", async () => {
  await using one = await startRedis({ password: "secret" });
  await using two = await startRedis({ password: "secret", replicaOf: one });
  await using sentinels = await startSentinels({ master: one });
  expect(await sentinels.masterPort()).toBe(one.port);
  expect(await sentinels.failover()).toBe(two.port);
  // The Sentinels make the old master a replica after eight seconds or so.
  await expect
    .poll(() => one.command("INFO", "replication"), { timeout: 25_000 })
    .toContain("master_link_status:up");
  await two.kill();
  await expect.poll(() => sentinels.masterPort(), { timeout: 20_000 }).toBe(one.port);
}, 60_000);

test("a cluster answers for every slot, and moves one", async () => {
  await using cluster = await startCluster({ masters: 3, replicas: 1 });
  expect(cluster.nodes).toHaveLength(6);
  const [first, second] = cluster.nodes;
  const holder = await cluster.masterOf("{a}");
  expect(cluster.nodes.slice(0, 3)).toContain(holder);
  expect(await holder.command("SET", "{a}x", "1")).toBe("OK");
  await holder.command("DEL", "{a}x");
  const to = holder === first ? second! : first!;
  await cluster.moveSlot(Number(await to.command("CLUSTER", "KEYSLOT", "{a}")), to);
  expect(await to.command("SET", "{a}x", "1")).toBe("OK");
  await expect(holder.command("GET", "{a}x")).rejects.toThrow(/^MOVED/);
}, 60_000);
