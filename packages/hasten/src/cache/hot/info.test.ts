import { expect, test } from "vitest";
import { parseInfo } from "./info.ts";

test("what INFO says of memory, clients and load is read", () => {
  const text = [
    "# Server",
    "redis_version:7.0.15",
    "uptime_in_seconds:12",
    "# Memory",
    "used_memory:1048576",
    "maxmemory:2097152",
    "maxmemory_policy:allkeys-lru",
    "# Stats",
    "evicted_keys:7",
    "instantaneous_ops_per_sec:4",
    "connected_clients:3",
    "role:master",
    "",
  ].join("\r\n");
  expect(parseInfo(text)).toMatchObject({
    version: "7.0.15",
    uptimeMs: 12_000,
    usedMemoryBytes: 1_048_576,
    memoryMaxBytes: 2_097_152,
    memoryPolicy: "allkeys-lru",
    evictedKeys: 7,
    commandsPerSecond: 4,
    connectedClients: 3,
    role: "master",
    expiredKeys: undefined,
  });
});

test("nonsense gives nothing, and endless text is cut", () => {
  expect(parseInfo("used_memory:lots\nevicted_keys:-1\n:x\nno colon")).toMatchObject({
    usedMemoryBytes: undefined,
    evictedKeys: undefined,
  });
  expect(parseInfo(`${"a:1\n".repeat(100_000)}used_memory:5`).usedMemoryBytes).toBeUndefined();
});
