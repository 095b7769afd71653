/** Who is at the other end: nothing of a connection counts before the server said so on it. */
import { replyError } from "../errors.ts";
import type { RedisConnection, RedisReply, RedisServer } from "../types.ts";
import { replyRule } from "./rules.ts";

/**
 * Rejects where it is no master, or not the one that others name, still loads its data, does not hold
 * the key's slot, or does not say which run it is.
 */
export async function greet(connection: RedisConnection, key: string): Promise<RedisServer> {
  const info = fieldsOf(await connection.call(["INFO"]));
  const runId = info.get("run_id");
  if (runId === undefined) throw new Error("the server does not tell its run_id");
  if (info.get("role") !== "master") {
    throw new Error(
      `${connection.address} is a replica of ${info.get("master_host")}, not a master`,
    );
  }
  // `async_loading` is of replicas only.
  if ((info.get("loading") ?? "0") !== "0") {
    throw new Error(`${connection.address} is loading its data`);
  }
  if (info.get("cluster_enabled") === "1") await holdsSlot(connection, key);
  // Only now: it may have been stopped, and replaced, until it answered.
  const because = await connection.standing?.();
  if (because !== undefined) throw new Error(because);
  const version = info.get("valkey_version") ?? info.get("redis_version") ?? "unknown";
  return { runId, version, address: connection.address };
}

/** A node of the cluster may have been told by one that does not know yet. */
async function holdsSlot(connection: RedisConnection, key: string): Promise<void> {
  try {
    await connection.call(["EXISTS", key]);
  } catch (error) {
    const reply = replyError(error);
    // Not being allowed to look at this very key, for example, says nothing about the slot.
    if (reply === undefined || replyRule(reply.kind) === "elsewhere") throw error;
  }
}

function fieldsOf(reply: RedisReply): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of String(reply).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** Reads the answer of ROLE. */
export function isMaster(reply: RedisReply): boolean {
  return Array.isArray(reply) && String((reply as readonly RedisReply[])[0]) === "master";
}
