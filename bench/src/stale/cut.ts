// Every connection of the nodes is cut while a key is invalidated: is the old value served for ever?
import { createClient } from "redis";
import type { Peer } from "./peer.ts";

export interface CutCount {
  readonly staleReads: number;
  readonly reads: number;
}

const RECONNECTED_MS = 3_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whoever reads holds an entry in memory; its connections are cut, another node invalidates. */
export async function cut(peer: Peer, redisUrl: string, times: number): Promise<CutCount> {
  const admin = await createClient({ url: redisUrl }).connect();
  let stale = 0;
  for (let time = 0; time < times; time++) {
    const namespace = `cut-${time}-`;
    const reading = await peer.open(redisUrl, namespace);
    const before = new Set(await ids(admin));
    const writing = await peer.open(redisUrl, namespace);
    const source = { value: "old" };
    const load = async (): Promise<string> => source.value;
    await reading.get("k", "tag-k", load);
    await reading.get("k", "tag-k", load);
    source.value = "new";
    const own = String(await admin.sendCommand(["CLIENT", "ID"]));
    for (const id of before) {
      if (id !== own) await admin.sendCommand(["CLIENT", "KILL", "ID", id]).catch(() => undefined);
    }
    await writing.deleteKey("k");
    await wait(RECONNECTED_MS);
    if ((await reading.get("k", "tag-k", load)) !== "new") stale += 1;
    await Promise.all([reading.close(), writing.close()]);
  }
  await admin.close();
  return { staleReads: stale, reads: times };
}

async function ids(admin: { sendCommand(words: string[]): Promise<unknown> }): Promise<string[]> {
  const list = String(await admin.sendCommand(["CLIENT", "LIST"]));
  return [...list.matchAll(/(?:^|\n)id=(\d+)/g)].map(([, id]) => id!);
}
